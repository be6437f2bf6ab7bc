import type { Clock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { SyncLogRow } from '../db/entities.ts';
import type { SyncCriteria } from '../db/filters.ts';

/** How long changes are collected before watchers hear of them, milliseconds. */
const collectMs = 100;

/** Who changes syncs says so by this. */
export interface ChangeListener {
  /** Whether anybody would hear of it: only then are ids worth asking for. */
  readonly isWatched: boolean;
  note(syncIds: Iterable<string>): void;
}

/** Reads syncs for watchers. */
interface ChangedSyncs {
  byIds(ids: readonly string[], criteria: SyncCriteria, own: readonly string[] | null): Promise<SyncLogRow[]>;
}

/** The other nodes, as far as changes concern them. */
interface OtherNodes {
  isWanted(topic: 'syncs'): boolean;
  want(topic: 'syncs', wanted: boolean): void;
  tell(topic: 'syncs', ids: readonly string[]): void;
  on(topic: 'syncs', handler: (ids: readonly string[]) => void): void;
}

/**
 * Tells watchers which syncs changed, on this node and the others. Costs nothing while nobody watches. What happens
 * to one sync within a moment is told once, as it stands then.
 */
export class SyncChanges implements ChangeListener {
  readonly #clock: Clock;
  readonly #reader: ChangedSyncs;
  readonly #nodes: OtherNodes;
  readonly #watchers = new Set<SyncWatcher>();
  #changed = new Set<string>();

  constructor(deps: { clock: Clock; reader: ChangedSyncs; nodes: OtherNodes }) {
    this.#clock = deps.clock;
    this.#reader = deps.reader;
    this.#nodes = deps.nodes;
    deps.nodes.on('syncs', ids => this.#show(ids));
  }

  get isWatched(): boolean {
    return this.#watchers.size > 0 || this.#nodes.isWanted('syncs');
  }

  note(ids: Iterable<string>): void {
    if (!this.isWatched) return;
    if (this.#changed.size === 0) this.#clock.after(collectMs, () => this.#flush());
    for (const id of ids) this.#changed.add(id);
  }

  /**
   * The syncs of a filter as they change, from now on. Leave the iterator to end it.
   * @param own the subscriptions whose syncs may be told, asked for at each read: they come and go; null: all
   */
  watch(
    criteria: SyncCriteria,
    own: () => Promise<readonly string[] | null>,
  ): AsyncIterableIterator<SyncLogRow> {
    const watcher = new SyncWatcher(
      async ids => this.#reader.byIds(ids, criteria, await own()),
      () => {
        this.#watchers.delete(watcher);
        if (this.#watchers.size === 0) this.#nodes.want('syncs', false);
      },
    );
    this.#watchers.add(watcher);
    this.#nodes.want('syncs', true);
    return watcher;
  }

  #flush(): void {
    const ids = [...this.#changed];
    this.#changed = new Set();
    this.#nodes.tell('syncs', ids);
    this.#show(ids);
  }

  #show(ids: readonly string[]): void {
    for (const watcher of this.#watchers) watcher.add(ids);
  }
}

/** One who watches. Of what it has not read yet only ids are kept, and of those not more than a limit. */
class SyncWatcher implements AsyncIterableIterator<SyncLogRow> {
  readonly #read: (ids: readonly string[]) => Promise<SyncLogRow[]>;
  readonly #onLeave: () => void;
  readonly #ids = new Set<string>();
  #rows: SyncLogRow[] = [];
  #hasLeft = false;
  #tooSlow = false;
  #wake: (() => void) | undefined;

  constructor(read: (ids: readonly string[]) => Promise<SyncLogRow[]>, onLeave: () => void) {
    this.#read = read;
    this.#onLeave = onLeave;
  }

  add(ids: readonly string[]): void {
    for (const id of ids) this.#ids.add(id);
    if (this.#ids.size > limits.watcherBacklog) {
      // It may be long until the reader asks again and hears of it, if ever: nothing is kept for it until then.
      this.#tooSlow = true;
      this.#leave();
    }
    this.#wake?.();
  }

  /** @throws HubError LIMIT_EXCEEDED once it reads more slowly than syncs change; what reading the syncs throws */
  async next(): Promise<IteratorResult<SyncLogRow, undefined>> {
    for (;;) {
      if (this.#tooSlow) {
        this.#tooSlow = false;
        throw new HubError('LIMIT_EXCEEDED', watcherTooSlow);
      }
      if (this.#hasLeft) return { done: true, value: undefined };
      const row = this.#rows.shift();
      // What has changed again since it was read is told once, as it stands later.
      if (row !== undefined && !this.#ids.has(row.id)) return { done: false, value: row };
      if (row !== undefined) continue;
      if (this.#ids.size > 0) await this.#readPage();
      else await this.#wait();
    }
  }

  async return(): Promise<IteratorResult<SyncLogRow, undefined>> {
    this.#leave();
    this.#wake?.();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #readPage(): Promise<void> {
    try {
      const rows = await this.#read(this.#take());
      if (!this.#hasLeft) this.#rows = rows;
    } catch (error) {
      // Whoever reads an iterator that throws does not leave it by itself.
      this.#leave();
      throw error;
    }
  }

  #leave(): void {
    if (!this.#hasLeft) this.#onLeave();
    this.#hasLeft = true;
    this.#ids.clear();
    this.#rows = [];
  }

  #take(): string[] {
    const ids: string[] = [];
    for (const id of this.#ids) {
      if (ids.length === limits.watcherPage) break;
      ids.push(id);
      this.#ids.delete(id);
    }
    return ids;
  }

  async #wait(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#wake = resolve;
    });
    this.#wake = undefined;
  }
}

const watcherTooSlow = `More than ${limits.watcherBacklog} syncs changed that were not read yet: this watcher is too slow. Narrow the filter, or read the list (syncLogs).`;
