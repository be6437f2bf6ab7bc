import type { HubEvent } from '../event.ts';
import { Reject } from '../reject.ts';
import { type Effect, isRepair, type RecordRow, recordRow } from '../sql/tables.ts';

/** The inbox's statements in one SQL dialect. Each runs in the transaction that it is given. */
export interface InboxStore<Tx> {
  /** The statements that make the tables where they are missing. */
  readonly createTables: string;
  createTablesIn(tx: Tx): Promise<void>;
  /**
   * Writes down the sync and the record's version; says whether that was news, or `reused` where this sync id is known
   * with another record, version or content.
   * @param force also where the same content is held
   */
  claim(tx: Tx, syncId: number, row: RecordRow, force: boolean): Promise<Effect | 'reused'>;
  /** Forgets up to `limit` syncs that are older than so many days. */
  prune(tx: Tx, olderThanDays: number, limit: number): Promise<number>;
}

/** Says how an inbox works. */
export interface InboxOptions {
  /** Says how long sync ids are kept, days. Default: 30. Older ones are still caught by their record's version. */
  readonly keepDays?: number;
}

/**
 * The hub gave a `sync_id` to a second event: it runs on an older copy of its database. The event was not handled, and
 * is not a duplicate. Over socket and webhook it is refused for good, so that the hub's people hear of it.
 */
export class SyncIdReused extends Reject {
  readonly syncId: number;

  constructor({ sync_id, voucher }: HubEvent) {
    const { source_system, source_module, source_id, source_version } = voucher;
    super(
      'SYNC_ID_REUSED',
      `sync_id ${sync_id} came before with another event than ${source_system}/${source_module}/${source_id} version ${source_version}. The hub gives numbers a second time, as after a restored backup: run \`hub restored\` there, then \`hub fix-data\` sends this event again under a new id.`,
    );
    this.syncId = sync_id;
  }
}

/** Says how one event is handled. */
export interface HandleOptions {
  /**
   * True when a repair (`mode` is compensation) takes effect although this inbox holds the very same content. For
   * consumers whose own data may have been lost or changed behind the inbox's back; the effect must then overwrite
   * and not add. Default: false. A repair with other content of the same version takes effect in any case.
   */
  readonly force?: boolean;
}

/** Every so many events, up to so many old ones are forgotten: more than come in, so the table stays bounded. */
const pruning = { everyEvents: 100, entries: 500 };

/**
 * Lets an event take effect once, however often it is delivered: in the consumer's own transaction it remembers the
 * `sync_id`, and the highest version of each source record.
 */
export class Inbox<Tx> {
  readonly #store: InboxStore<Tx>;
  readonly #keepDays: number;
  #handled = 0;

  /** @param store `pgInbox()` or `sqliteInbox()` */
  constructor(store: InboxStore<Tx>, options: InboxOptions = {}) {
    this.#store = store;
    this.#keepDays = options.keepDays ?? 30;
  }

  /** Makes the tables where they are missing. @throws what the database throws */
  createTables(tx: Tx): Promise<void> {
    return this.#store.createTablesIn(tx);
  }

  /**
   * Runs `effect` where the event is news: not delivered before, and no newer version is known.
   * @param tx an open transaction: it must be rolled back where this throws, or the event counts as done
   * @throws {SyncIdReused} where the `sync_id` is known with another event; what the effect throws, or the database
   */
  async handle(
    tx: Tx,
    event: HubEvent,
    effect: (tx: Tx, event: HubEvent) => unknown,
    options: HandleOptions = {},
  ): Promise<Effect> {
    const force = options.force === true && isRepair(event);
    const result = await this.#store.claim(tx, event.sync_id, recordRow(event.voucher), force);
    if (result === 'reused') throw new SyncIdReused(event);
    if (result === 'applied') await effect(tx, event);
    this.#handled += 1;
    if (this.#handled % pruning.everyEvents === 0) await this.prune(tx, pruning.entries);
    return result;
  }

  /** Forgets up to `limit` sync ids that are too old. `handle` does so by itself now and then. @returns how many */
  prune(tx: Tx, limit: number): Promise<number> {
    return this.#store.prune(tx, this.#keepDays, limit);
  }
}
