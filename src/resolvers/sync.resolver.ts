import type { GraphQLResolveInfo } from 'graphql';
import {
  Arg,
  Ctx,
  FieldResolver,
  ID,
  Info,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  type SubscribeResolverData,
  Subscription,
} from 'type-graphql';
import { readableTargetSystem, writableTargetSystem } from '../access/caller.ts';
import { limits } from '../core/limits.ts';
import type { Compensation } from '../delivery/compensation/compensation.ts';
import { SyncReader } from '../delivery/reading/sync-reader.ts';
import type { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import { CompensationRun } from '../schema/compensation.types.ts';
import { ListSize } from '../schema/list-size.ts';
import { DataSubscription } from '../schema/subscription.types.ts';
import { Receipt, SyncAttempt, SyncLog, SyncLogConnection, SyncLogFilter } from '../schema/sync.types.ts';
import { VoucherEvent, VoucherFilter } from '../schema/voucher.types.ts';
import { callerOf, type OperationContext } from './context.ts';
import { nestedList } from './nested-list.ts';
import { pageOf, pageRequest } from './page.ts';
import { toDataSubscription } from './subscription.resolver.ts';

/** GraphQL: the sync log, and compensation by hand. */
@Resolver(() => SyncLog)
export class SyncResolver {
  readonly #reader: SyncReader;
  readonly #compensation: Compensation;
  readonly #subscriptions: Subscriptions;

  constructor(reader: SyncReader, compensation: Compensation, subscriptions: Subscriptions) {
    this.#reader = reader;
    this.#compensation = compensation;
    this.#subscriptions = subscriptions;
  }

  @Query(() => SyncLog, {
    nullable: true,
    description: 'One event on its way to one subscription; null: there is none with this id.',
  })
  async syncLog(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The sync.' }) id: string,
  ): Promise<SyncLog | null> {
    const own = await this.#reader.subscriptionIdsOf(readableTargetSystem(callerOf(context)));
    return /^\d{1,18}$/.test(id) ? this.#reader.byId(id, own) : null;
  }

  @ListSize('first')
  @Query(() => SyncLogConnection, { description: 'Newest first.' })
  async syncLogs(
    @Ctx() context: OperationContext,
    @Arg('filter', () => SyncLogFilter, {
      nullable: true,
      description: 'Only syncs that match all its fields; null: all.',
    })
    filter: SyncLogFilter | null | undefined,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'Most nodes, 0 to 500.' })
    first: number | null,
    @Arg('after', () => String, { nullable: true, description: 'The cursor after which the page begins.' })
    after: string | null | undefined,
  ): Promise<SyncLogConnection> {
    const own = await this.#reader.subscriptionIdsOf(readableTargetSystem(callerOf(context)));
    const request = pageRequest(first, after);
    const page = { limit: request.first + 1, belowId: request.belowId };
    const rows = await context.reading.list(db => new SyncReader(db).page(filter ?? {}, own, page));
    const count = () => context.reading.follow(db => new SyncReader(db).count(filter ?? {}, own));
    return { ...pageOf(rows, request), count };
  }

  @Mutation(() => Int, { description: 'Manual compensation. Returns how many were queued again.' })
  async retrySyncs(
    @Ctx() context: OperationContext,
    @Arg('filter', () => SyncLogFilter, { description: 'Which syncs are queued again.' })
    filter: SyncLogFilter,
  ): Promise<number> {
    const own = writableTargetSystem(callerOf(context));
    return this.#compensation.retry(await this.#reader.criteriaOf(filter), own);
  }

  @Mutation(() => Int, { description: 'Cancels waiting and FAILED syncs that match. Returns how many.' })
  async cancelSyncs(
    @Ctx() context: OperationContext,
    @Arg('filter', () => SyncLogFilter, { description: 'Which syncs are cancelled.' }) filter: SyncLogFilter,
  ): Promise<number> {
    const own = writableTargetSystem(callerOf(context));
    return this.#compensation.cancel(await this.#reader.criteriaOf(filter), own);
  }

  @Mutation(() => Int, { description: 'Sends the current version of matching vouchers once more.' })
  async resync(
    @Ctx() context: OperationContext,
    @Arg('subscriptionId', () => ID, { description: 'The subscription that gets them.' })
    subscriptionId: string,
    @Arg('filter', () => VoucherFilter, { description: 'Which vouchers are sent.' }) filter: VoucherFilter,
  ): Promise<number> {
    const own = writableTargetSystem(callerOf(context));
    const subscription = await this.#subscriptions.get(subscriptionId, own);
    return this.#compensation.resync(subscription, filter, own);
  }

  @ListSize('first')
  @Query(() => [CompensationRun], {
    description: 'Manual compensations, the newest first: how far they are, and what they came to.',
  })
  compensationRuns(
    @Ctx() context: OperationContext,
    @Arg('first', () => Int, { nullable: true, defaultValue: 20, description: 'Most nodes, 0 to 500.' })
    first: number | null,
  ): Promise<CompensationRun[]> {
    const own = readableTargetSystem(callerOf(context));
    return this.#compensation.runs(own, pageRequest(first ?? 20, null).first);
  }

  @Subscription(() => SyncLog, {
    description:
      'Syncs as they change, each as it stands when it is told; changes in quick succession are one.',
    subscribe: ({
      args,
      context,
    }: SubscribeResolverData<unknown, { filter?: SyncLogFilter | null }, OperationContext>) =>
      context.live.watchSyncs(callerOf(context), args.filter ?? {}),
  })
  syncLogChanged(
    @Root() sync: SyncLog,
    @Arg('filter', () => SyncLogFilter, {
      nullable: true,
      description: 'Only syncs that match all its fields; null: all.',
    })
    _filter: SyncLogFilter | null | undefined,
  ): SyncLog {
    return sync;
  }

  @FieldResolver(() => VoucherEvent)
  event(@Ctx() context: OperationContext, @Root() sync: SyncLog): Promise<VoucherEvent> {
    return context.loaders.event.load(sync.eventId);
  }

  @FieldResolver(() => DataSubscription)
  async subscription(@Ctx() context: OperationContext, @Root() sync: SyncLog): Promise<DataSubscription> {
    return toDataSubscription(await context.loaders.subscription.load(sync.subscriptionId));
  }

  @ListSize(10)
  @FieldResolver(() => [SyncAttempt], {
    description: 'The oldest first: the last 1,000, with a warning beside the data where there were more.',
  })
  async attempts(
    @Ctx() context: OperationContext,
    @Root() sync: SyncLog,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SyncAttempt[]> {
    const hint = `These are the last ${limits.nestedList} attempts at sync ${sync.id}; the log has older ones.`;
    return nestedList(await attemptsOf(context, sync), { context, info, keep: 'last', hint });
  }

  @FieldResolver(() => String, {
    nullable: true,
    description: 'Hex SHA-256 of the exact bytes that were sent in the last attempt.',
  })
  async bodyDigest(@Ctx() context: OperationContext, @Root() sync: SyncLog): Promise<string | null> {
    return hexOf((await attemptsOf(context, sync)).at(-1)?.digest);
  }

  @FieldResolver(() => Int, { nullable: true, description: 'From recorded to delivered.' })
  latencyMs(@Root() sync: SyncLog): number | null {
    if (sync.status !== 'success' || sync.syncCompletedAt == null) return null;
    return sync.syncCompletedAt.getTime() - sync.createdAt.getTime();
  }
}

/**
 * Gives those that the sync knows of: one more may be written after the sync was read, and would be taken for the one
 * under way.
 */
async function attemptsOf(context: OperationContext, { id, attemptCount }: SyncLog): Promise<SyncAttempt[]> {
  return (await context.loaders.attemptsOfSync.load(id)).filter(({ number }) => number <= attemptCount);
}

/** GraphQL: what proves an attempt. */
@Resolver(() => SyncAttempt)
export class SyncAttemptResolver {
  @FieldResolver(() => String, {
    nullable: true,
    description: 'Hex SHA-256 of the exact bytes that were sent; null: nothing was, or nobody knows.',
  })
  bodyDigest(@Root() attempt: SyncAttempt): string | null {
    return hexOf(attempt.digest);
  }

  @FieldResolver(() => Receipt, { nullable: true })
  receipt(@Root() { receipt, receiptValid }: SyncAttempt): Receipt | null {
    return receipt == null ? null : { value: receipt, valid: receiptValid === true };
  }
}

/** GraphQL: a list's length, counted only when asked for. */
@Resolver(() => SyncLogConnection)
export class SyncLogConnectionResolver {
  @FieldResolver(() => Int)
  totalCount(@Root() connection: SyncLogConnection): Promise<number> {
    return connection.count();
  }
}

function hexOf(digest: Uint8Array | null | undefined): string | null {
  return digest == null ? null : Buffer.from(digest).toString('hex');
}
