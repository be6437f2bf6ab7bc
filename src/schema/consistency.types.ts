import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { CheckState, DifferenceKind } from '../core/model.ts';
import { ConsistencyStateEnum, DifferenceKindEnum } from './enums.ts';
import { ListSize } from './list-size.ts';
import { DateScalar, DateTimeScalar } from './scalars.ts';

/** GraphQL: a record that a consumer holds wrongly. `subscriptionId` is the loader's way to `subscription`. */
@ObjectType()
export class ConsistencyDifference {
  subscriptionId!: string;
  @Field(() => DifferenceKindEnum) kind!: DifferenceKind;
  @Field(() => String) sourceSystem!: string;
  @Field(() => String) sourceModule!: string;
  @Field(() => String) sourceId!: string;
  @Field(() => Int, { nullable: true }) expectedVersion?: number | null;
  @Field(() => String, { nullable: true }) expectedDigest?: string | null;
  @Field(() => Int, { nullable: true }) actualVersion?: number | null;
  @Field(() => String, { nullable: true }) actualDigest?: string | null;
  @Field(() => Boolean, { description: 'Sent again, and verified at the consumer.' }) repaired!: boolean;
}

/** GraphQL: what a check came to. */
@ObjectType()
export class ConsistencyReport {
  subscriptionId!: string;
  @Field(() => ID) id!: string;
  @Field(() => ConsistencyStateEnum) state!: CheckState;
  @Field(() => DateScalar, { nullable: true }) from?: string | null;
  @Field(() => DateScalar, { nullable: true }) to?: string | null;
  @Field(() => Boolean) autoFix!: boolean;
  @Field(() => Int, { description: 'Records that the subscription covers, as the hub knows them.' })
  checked!: number;
  @Field(() => Int, { description: 'What it cost: requests and bytes both ways.' }) requests!: number;
  @Field(() => Int, { description: 'Bytes of bodies, both ways.' }) bytesExchanged!: number;
  @Field(() => Int) differenceCount!: number;
  @Field(() => Int, { description: 'Of the differences: sent again, and verified at the consumer.' })
  repairedCount!: number;
  @Field(() => String, {
    nullable: true,
    description: 'Why it FAILED; where it is DONE, what is left for a person.',
  })
  errorMessage?: string | null;
  @Field(() => DateTimeScalar) startedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) completedAt?: Date | null;
}

/** GraphQL: what to check. */
@InputType()
export class ConsistencyCheckInput {
  @Field(() => ID, { description: 'The subscription whose consumer is asked.' }) subscriptionId!: string;
  @Field(() => DateScalar, { nullable: true, description: 'Voucher dates, both inclusive; null: no bound.' })
  from?: string | null;
  @Field(() => DateScalar, {
    nullable: true,
    description: 'Vouchers dated on this day or earlier; left out: no bound.',
  })
  to?: string | null;
  @Field(() => Boolean, { nullable: true, defaultValue: false, description: 'Sends again what differs.' })
  autoFix?: boolean | null;
}

/** GraphQL: a subscription that was left out of a repair. */
@ObjectType()
export class NotCompared {
  subscriptionId!: string;
  @Field(() => String, { description: 'Why, in a sentence.' }) reason!: string;
}

/** GraphQL: what `fixData` or a plan came to. */
@ObjectType()
export class FixDataResult {
  @Field(() => Boolean) dryRun!: boolean;
  @Field(() => Int) found!: number;
  @Field(() => Int, { description: 'Sent again, and verified at the consumer.' }) fixed!: number;
  @ListSize(10)
  @Field(() => [ConsistencyDifference], { description: 'The first 10,000.' })
  differences!: ConsistencyDifference[];
  @ListSize(10)
  @Field(() => [ConsistencyReport], { description: 'One for each subscription that was asked.' })
  reports!: ConsistencyReport[];
  @ListSize(10)
  @Field(() => [NotCompared], {
    description: 'Subscriptions that were left out, as another check of theirs is running.',
  })
  notCompared!: NotCompared[];
}

/** GraphQL: a difference of a dry run, to be sent again exactly so. */
@InputType()
export class FixPlanItemInput {
  @Field(() => ID, { description: 'The subscription whose consumer differs.' }) subscriptionId!: string;
  @Field(() => DifferenceKindEnum, { description: 'What differs, as the dry run said.' })
  kind!: DifferenceKind;
  @Field(() => String, { description: 'The system of the record.' }) sourceSystem!: string;
  @Field(() => String, { description: 'Its module.' }) sourceModule!: string;
  @Field(() => String, { description: 'Its id in that module.' }) sourceId!: string;
  @Field(() => Int, { nullable: true, description: 'The version that the hub had; null: none.' })
  expectedVersion?: number | null;
  @Field(() => String, { nullable: true, description: 'The digest that the hub had; null: none.' })
  expectedDigest?: string | null;
  @Field(() => Int, { nullable: true, description: 'The version that the consumer held; null: none.' })
  actualVersion?: number | null;
  @Field(() => String, { nullable: true, description: 'The digest that the consumer held; null: none.' })
  actualDigest?: string | null;
}

/** GraphQL: a question of the consistency protocol to an attached consumer. */
@ObjectType({
  description:
    'A question of the consistency protocol; answer it by `answerConsistency`, in the form of the webhook’s answer.',
})
export class ConsistencyQuestion {
  @Field(() => ID) id!: string;
  @Field(() => String, { description: 'consistency.digest or consistency.entries' }) event!: string;
  @Field(() => DateScalar, { nullable: true, description: 'Voucher dates, both inclusive; null: no bound.' })
  from?: string | null;
  @Field(() => DateScalar, { nullable: true }) to?: string | null;
  @ListSize(10)
  @Field(() => [String])
  prefixes!: readonly string[];
}
