import type { Clock } from '../../core/clock.ts';
import type { SyncLogFilter } from '../generated/graphql.ts';
import type { HubSocket } from '../live/hub-socket.ts';
import { syncsQuery, type TailedSync } from './documents.ts';
import type { ShownSync } from './shown.ts';

/** Syncs read in one query, and pages that are read to make up for what was missed. */
const pageSize = 200;
const missedPages = 5;

/** Changed syncs that may wait to be read; beyond it they are not read at all. */
const waitingMax = 20_000;

/**
 * When it looks for itself, milliseconds: soon after it began, since hubs tell one another within a moment that
 * somebody watches; and then now and again, since what they tell may get lost.
 */
const firstLookMs = 1_000;
const lookEveryMs = 30_000;

/** Holds what a follower works with. */
export interface FollowerOptions {
  readonly socket: HubSocket;
  readonly clock: Clock;
  readonly filter: SyncLogFilter;
  /** Holds what was shown on earlier connections too. */
  readonly shown: ShownSync;
  /** Shows syncs, the oldest first. */
  readonly show: (syncs: readonly TailedSync[]) => Promise<void>;
  readonly say: (message: string) => void;
}

/** Follows the log on one connection. Whatever it hears of it reads, so that lines are never older than the one before. */
export class Follower implements Disposable {
  readonly #options: FollowerOptions;
  readonly #changed = new Set<string>();
  #nap = new AbortController();
  #isFalling = false;
  #isOver = false;

  constructor(options: FollowerOptions) {
    this.#options = options;
  }

  /** Notes that a sync has changed. */
  mark(syncId: string): void {
    if (this.#changed.size < waitingMax) this.#changed.add(syncId);
    else if (!this.#isFalling) {
      this.#isFalling = true;
      this.#options.say('! More changes than can be read: some are not shown (a gap). Narrow the filter.');
    }
    this.#nap.abort();
  }

  /** Shows the last syncs of the log. */
  async begin(count: number): Promise<void> {
    // One at least, to know where the log ends now.
    const { syncs } = await this.#page({ first: Math.max(1, count) });
    const fresh = this.#options.shown.add(syncs);
    if (count > 0) await this.#options.show(fresh);
  }

  /** Shows what is new since the last that was shown, and what has become of syncs that were open. @returns how many */
  async catchUp(): Promise<number> {
    const { shown, show, say } = this.#options;
    const missed = await this.#newSyncs();
    if (missed === null)
      say(`! More than ${pageSize * missedPages} syncs are new: only the newest are shown (a gap).`);
    const open = shown.open();
    const found = [...(missed ?? (await this.#page({ first: pageSize })).syncs)];
    for (let at = 0; at < open.length; at += pageSize)
      found.push(...(await this.#byIds(open.slice(at, at + pageSize))));
    const fresh = shown.add([...new Map(found.map(sync => [sync.id, sync])).values()]);
    await show(fresh);
    return fresh.length;
  }

  /** Shows what changes, until it is disposed of. */
  async follow(): Promise<void> {
    const { clock, shown, show } = this.#options;
    let lookAt = clock.now() + firstLookMs;
    while (!this.#isOver) {
      if (this.#changed.size === 0) await clock.sleep(Math.max(0, lookAt - clock.now()), this.#nap.signal);
      if (this.#isOver) return;
      this.#nap = new AbortController();
      if (clock.now() >= lookAt) {
        lookAt = clock.now() + lookEveryMs;
        await this.catchUp();
      }
      const ids = [...this.#changed].slice(0, pageSize);
      for (const id of ids) this.#changed.delete(id);
      this.#isFalling &&= this.#changed.size > 0;
      if (ids.length > 0) await show(shown.add(await this.#byIds(ids)));
    }
  }

  [Symbol.dispose](): void {
    this.#isOver = true;
    this.#nap.abort();
  }

  /** The syncs beyond the last that was shown; null: too many. */
  async #newSyncs(): Promise<TailedSync[] | null> {
    const found: TailedSync[] = [];
    let after: string | null = null;
    for (let page = 0; page < missedPages; page += 1) {
      const { syncs, next } = await this.#page({ first: pageSize, after });
      const fresh = syncs.filter(({ id }) => this.#options.shown.isBeyond(id));
      found.push(...fresh);
      if (fresh.length < syncs.length || next === null) return found;
      after = next;
    }
    return null;
  }

  async #byIds(ids: string[]): Promise<TailedSync[]> {
    return (await this.#page({ first: ids.length, ids })).syncs;
  }

  async #page({
    first,
    after = null,
    ids,
  }: {
    first: number;
    after?: string | null;
    ids?: string[];
  }): Promise<{ syncs: TailedSync[]; next: string | null }> {
    const { socket, filter } = this.#options;
    const variables = { filter: ids === undefined ? filter : { ...filter, ids }, first, after };
    const { syncLogs } = await socket.request(syncsQuery, variables);
    const { hasNextPage, endCursor } = syncLogs.pageInfo;
    return { syncs: syncLogs.edges.map(({ node }) => node), next: hasNextPage ? (endCursor ?? null) : null };
  }
}
