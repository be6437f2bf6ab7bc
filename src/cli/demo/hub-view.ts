import type { Clock } from '../../core/clock.ts';
import { HubError } from '../../core/errors.ts';
import type { HubClient } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import type { DemoSyncsQuery } from '../generated/graphql.ts';

const syncsOfSubscription = graphql(`
  query DemoSyncs($subscriptionId: ID!) {
    dataSubscription(id: $subscriptionId) { state backlog }
    syncLogs(filter: { subscriptionId: $subscriptionId }, first: 100) {
      edges {
        node {
          id status latencyMs errorCode retryCount
          attempts { errorCode statusCode responseExcerpt }
          event { sourceVersion voucher { sourceId } }
        }
      }
    }
  }
`);

/** Between two looks at the hub, milliseconds. */
const lookEveryMs = 40;

/** Sets how long a step may take before the demo says that it did not come out, milliseconds. */
const patienceMs = 20_000;

/** One event on its way, as the hub's sync log has it. */
export type SyncView = DemoSyncsQuery['syncLogs']['edges'][number]['node'];

/** Holds what the hub says of the demo's subscription. */
export interface HubState {
  readonly state: string;
  readonly backlog: number;
  readonly syncs: readonly SyncView[];
}

/** Looks at one subscription through the hub's API. */
export class HubView {
  readonly #client: HubClient;
  readonly #clock: Clock;
  readonly #subscriptionId: string;
  readonly #stop: AbortSignal;

  constructor(options: { client: HubClient; clock: Clock; subscriptionId: string; stop: AbortSignal }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#subscriptionId = options.subscriptionId;
    this.#stop = options.stop;
  }

  /** Says how it stands now. */
  async look(): Promise<HubState> {
    const { dataSubscription, syncLogs } = await this.#client.request(syncsOfSubscription, {
      subscriptionId: this.#subscriptionId,
    });
    return {
      state: dataSubscription?.state ?? 'gone',
      backlog: dataSubscription?.backlog ?? 0,
      syncs: syncLogs.edges.map(({ node }) => node),
    };
  }

  /**
   * Looks until `find` gives something.
   * @param what to follow "The demo waited in vain until"
   * @throws HubError UNAVAILABLE when it takes too long, SHUTTING_DOWN when the demo is told to stop
   */
  async until<T>(what: string, find: (hub: HubState) => T | undefined): Promise<T> {
    const giveUpAt = this.#clock.now() + patienceMs;
    for (;;) {
      this.checkStop();
      const found = find(await this.look());
      if (found !== undefined) return found;
      if (this.#clock.now() > giveUpAt)
        throw new HubError('UNAVAILABLE', `The demo waited ${patienceMs / 1_000} s in vain until ${what}.`);
      await this.#clock.sleep(lookEveryMs, this.#stop);
    }
  }

  /** @throws HubError SHUTTING_DOWN when the demo is told to stop */
  checkStop(): void {
    if (this.#stop.aborted) throw new HubError('SHUTTING_DOWN', 'The demo was stopped.');
  }
}

/** The sync of one version of a record. */
export function syncOf(hub: HubState, sourceId: string, version: number): SyncView | undefined {
  return hub.syncs.find(
    ({ event }) => event.voucher.sourceId === sourceId && event.sourceVersion === version,
  );
}
