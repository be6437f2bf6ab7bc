import { Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import { limits } from '../core/limits.ts';
import type { SubscriptionStanding } from '../db/monitoring/standing-statements.ts';
import { ListSize } from '../schema/list-size.ts';
import { ErrorCount } from '../schema/metric.types.ts';
import { DateTimeScalar } from '../schema/scalars.ts';
import { DataSubscription, RecentOutcomes } from '../schema/subscription.types.ts';
import type { OperationContext } from './context.ts';

const errorMessage = 'The same in words.';
const troubled =
  'Since when nothing has succeeded while something was due, for a minute at least; null: nothing is wrong.';
const unattached =
  'Where it has no webhook: since when no consumer is attached. Null: one is, or it has a webhook.';

/** GraphQL: how subscriptions stand, beyond their settings. */
@Resolver(() => DataSubscription)
export class StandingResolver {
  @FieldResolver(() => Int, { description: 'FAILED syncs: they wait for a person.' })
  async failedCount(@Ctx() context: OperationContext, @Root() { id }: DataSubscription): Promise<number> {
    return (await standing(context, id)).failed.reduce((all, { count }) => all + count, 0);
  }

  @ListSize(10)
  @FieldResolver(() => [ErrorCount], {
    description: `FAILED syncs by what they failed with, the most frequent first; ${limits.subscriptionErrorCodes} codes at most.`,
  })
  async failedByErrorCode(
    @Ctx() context: OperationContext,
    @Root() { id }: DataSubscription,
  ): Promise<readonly ErrorCount[]> {
    return (await standing(context, id)).failed.slice(0, limits.subscriptionErrorCodes);
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'What failed last and is not over: of what is retried, else of what FAILED.',
  })
  async lastErrorCode(@Ctx() context: OperationContext, @Root() { id }: DataSubscription) {
    return (await standing(context, id)).lastErrorCode;
  }

  @FieldResolver(() => String, { nullable: true, description: errorMessage })
  async lastErrorMessage(@Ctx() context: OperationContext, @Root() { id }: DataSubscription) {
    return (await standing(context, id)).lastErrorMessage;
  }

  @FieldResolver(() => DateTimeScalar, { nullable: true, description: troubled })
  async troubledSince(@Ctx() context: OperationContext, @Root() { id }: DataSubscription) {
    return (await standing(context, id)).troubledSince;
  }

  @FieldResolver(() => DateTimeScalar, { nullable: true, description: unattached })
  async unattachedSince(@Ctx() context: OperationContext, @Root() { id }: DataSubscription) {
    return (await standing(context, id)).unattachedSince;
  }

  @FieldResolver(() => DateTimeScalar, {
    nullable: true,
    description: 'Since when its state is what it is; null: since before that was noted.',
  })
  async stateSince(@Ctx() context: OperationContext, @Root() { id }: DataSubscription) {
    return (await standing(context, id)).stateSince;
  }

  @FieldResolver(() => RecentOutcomes, {
    description: 'What was over in the last 15 minutes, known to some seconds.',
  })
  async lastQuarterHour(@Ctx() context: OperationContext, @Root() { id }: DataSubscription) {
    return (await standing(context, id)).recent;
  }
}

/** One statement for all fields of all subscriptions that an operation asks about. */
function standing(context: OperationContext, subscriptionId: string): Promise<SubscriptionStanding> {
  return context.loaders.standing.load(subscriptionId);
}
