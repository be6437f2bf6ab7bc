import { Field, ID, Int, ObjectType } from 'type-graphql';
import { DateTimeScalar } from './scalars.ts';

/** GraphQL: the first thing that is not as it was sealed. */
@ObjectType()
export class AuditBreak {
  @Field(() => ID, { nullable: true, description: 'Null: seals are gone with all that they were over.' })
  subscriptionId!: string | null;
  @Field(() => String, { nullable: true, description: 'Its number; null: no seal is over these attempts.' })
  seal!: string | null;
  @Field(() => DateTimeScalar, { nullable: true }) sealedAt!: Date | null;
  @Field(() => ID, { description: 'The attempts in question have ids beyond this one.' })
  afterAttemptId!: string;
  @Field(() => ID) lastAttemptId!: string;
  @Field(() => String) what!: string;
}

/** GraphQL: a seal that may be noted elsewhere. */
@ObjectType()
export class AuditSeal {
  @Field(() => ID) subscriptionId!: string;
  @Field(() => String) number!: string;
  @Field(() => String) hash!: string;
}

/** GraphQL: what a page of the verification came to. */
@ObjectType({
  description: 'Attempts held against their seals; ask again with `after: next` until it is null.',
})
export class AuditVerification {
  @Field(() => Int) seals!: number;
  @Field(() => Int, { description: 'Attempts that are as they were sealed.' }) attempts!: number;
  @Field(() => Int, {
    description: 'Seals whose attempts retention has dropped: their chain alone was compared.',
  })
  droppedSeals!: number;
  @Field(() => AuditBreak, { nullable: true }) firstBreak!: AuditBreak | null;
  @Field(() => AuditSeal, { nullable: true }) lastSeal!: AuditSeal | null;
  @Field(() => String, { nullable: true }) next!: string | null;
  @Field(() => Int, { description: 'Attempts that are not sealed yet, counted up to 100,000.' })
  unsealed!: number;
}
