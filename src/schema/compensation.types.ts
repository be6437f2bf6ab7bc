import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { CompensationKind, CompensationState } from '../core/model.ts';
import { CompensationKindEnum, CompensationStateEnum } from './enums.ts';
import { DateTimeScalar } from './scalars.ts';

/** GraphQL: one `retrySyncs`, `cancelSyncs` or `resync`, and how far it is. */
@ObjectType({ description: 'One retrySyncs, cancelSyncs or resync, and how far it is.' })
export class CompensationRun {
  @Field(() => ID) id!: string;
  @Field(() => CompensationKindEnum) kind!: CompensationKind;
  @Field(() => CompensationStateEnum) state!: CompensationState;
  @Field(() => Int, { description: 'Rows that it goes through, as counted at its start.' }) total!: number;
  @Field(() => Int, { description: 'Rows that it is done with.' }) lookedAt!: number;
  @Field(() => Int, { description: 'Those of them that fitted: queued again, cancelled, sent once more.' })
  count!: number;
  @Field(() => String, { nullable: true }) errorMessage?: string | null;
  @Field(() => DateTimeScalar) startedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) completedAt?: Date | null;
}
