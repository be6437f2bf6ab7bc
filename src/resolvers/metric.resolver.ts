import {
  Arg,
  Ctx,
  FieldResolver,
  ID,
  Int,
  Query,
  Resolver,
  Root,
  type SubscribeResolverData,
  Subscription,
} from 'type-graphql';
import { readableTargetSystem } from '../access/caller.ts';
import type { SyncReader } from '../delivery/reading/sync-reader.ts';
import type { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import { type Metrics, readMetrics, windowOf } from '../monitoring/metrics/metrics.ts';
import { FailedLag, Lag, SyncMetrics } from '../schema/metric.types.ts';
import { callerOf, type OperationContext } from './context.ts';

/** GraphQL: figures of what was synced. */
@Resolver(() => SyncMetrics)
export class MetricResolver {
  readonly #subscriptions: Subscriptions;
  readonly #syncs: SyncReader;
  readonly #timeZone: string;

  /** @param timeZone in which the steps of a timeline begin */
  constructor(subscriptions: Subscriptions, syncs: SyncReader, timeZone: string) {
    this.#subscriptions = subscriptions;
    this.#syncs = syncs;
    this.#timeZone = timeZone;
  }

  @Query(() => SyncMetrics, {
    description: 'Rates, latencies, backlog and what is not delivered in money, for a window that ends now.',
  })
  async syncMetrics(
    @Ctx() context: OperationContext,
    @Arg('windowMinutes', () => Int, {
      nullable: true,
      defaultValue: 1_440,
      description: 'Length of the window, minutes, 1 to 525,600 (a year).',
    })
    windowMinutes: number | null,
    @Arg('subscriptionId', () => ID, {
      nullable: true,
      description: 'Only this subscription; null: all together.',
    })
    subscriptionId: string | null | undefined,
  ): Promise<SyncMetrics> {
    const system = readableTargetSystem(callerOf(context));
    const window = windowOf(windowMinutes ?? 1_440, this.#timeZone);
    const scope =
      subscriptionId == null
        ? await this.#syncs.subscriptionIdsOf(system)
        : [(await this.#subscriptions.get(subscriptionId, system)).id];
    return context.reading.list(db => readMetrics(db, scope, window));
  }

  @Subscription(() => SyncMetrics, {
    description: 'The last 24 hours, at once and then every so many seconds (1 to 3,600).',
    subscribe: ({
      args,
      context,
    }: SubscribeResolverData<unknown, { everySeconds?: number | null }, OperationContext>) =>
      context.live.watchMetrics(callerOf(context), args.everySeconds ?? 5),
  })
  syncMetricsChanged(
    @Root() metrics: Metrics,
    @Arg('everySeconds', () => Int, {
      nullable: true,
      defaultValue: 5,
      description: 'Seconds between two messages, 1 to 3,600.',
    })
    _everySeconds: number | null,
  ): SyncMetrics {
    return metrics;
  }

  @FieldResolver(() => Lag, { description: 'How far the consumers of these subscriptions are behind.' })
  async lag(
    @Root() metrics: SyncMetrics & Pick<Metrics, 'lag' | 'failedLag'>,
  ): Promise<Lag & Pick<Metrics, 'failedLag'>> {
    return { ...(await metrics.lag()), failedLag: metrics.failedLag };
  }
}

/** GraphQL: what FAILED, read where it is asked for. */
@Resolver(() => Lag)
export class LagResolver {
  @FieldResolver(() => FailedLag, { description: 'What is not delivered and waits for a person.' })
  failed(@Root() { failedLag }: Pick<Metrics, 'failedLag'>): Promise<FailedLag> {
    return failedLag();
  }
}
