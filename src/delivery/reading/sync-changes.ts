import type { Clock } from '../../core/clock.ts';
import { type NodesOfTopic, RowChanges } from '../../core/row-changes.ts';
import type { SyncLogRow } from '../../db/entities.ts';
import type { SyncCriteria } from '../../db/reading/filters.ts';

/** Says who changes syncs says so by this. */
export interface ChangeListener {
  /** True when anybody would hear of it: only then are ids worth asking for. */
  readonly isWatched: boolean;
  note(syncIds: Iterable<string>): void;
}

/** Reads syncs for watchers. */
interface ChangedSyncs {
  byIds(ids: readonly string[], criteria: SyncCriteria, own: readonly string[] | null): Promise<SyncLogRow[]>;
}

/** Tells watchers which syncs changed, on this node and the others. */
export class SyncChanges implements ChangeListener {
  readonly #reader: ChangedSyncs;
  readonly #changes: RowChanges<SyncLogRow, 'syncs'>;

  constructor({
    clock,
    reader,
    nodes,
  }: { clock: Clock; reader: ChangedSyncs; nodes: NodesOfTopic<'syncs'> }) {
    this.#reader = reader;
    this.#changes = new RowChanges({ clock, nodes, topic: 'syncs', slowText: watcherTooSlow });
  }

  get isWatched(): boolean {
    return this.#changes.isWatched;
  }

  note(ids: Iterable<string>): void {
    this.#changes.note(ids);
  }

  /**
   * The syncs of a filter as they change, from now on. Leave the iterator to end it.
   * @param own the subscriptions whose syncs may be told, asked for at each read: they come and go; null: all
   */
  watch(
    criteria: SyncCriteria,
    own: () => Promise<readonly string[] | null>,
  ): AsyncIterableIterator<SyncLogRow> {
    return this.#changes.watch(async ids => this.#reader.byIds(ids, criteria, await own()));
  }
}

const watcherTooSlow =
  'syncs changed that were not read yet: this watcher is too slow. Narrow the filter, or read the list (syncLogs).';
