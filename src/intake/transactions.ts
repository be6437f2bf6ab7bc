import type { PoolClient } from 'pg';
import type { BusinessTime } from '../core/business-time.ts';
import type { Clock } from '../core/clock.ts';
import { errorCodeOf } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { beginIntake, reserveVoucherIds } from '../db/recording/intake-statements.ts';
import {
  isSameRecord,
  type Recording,
  type WrittenIds,
  writeAllNew,
  writeAndCommit,
} from '../db/recording/recording-statements.ts';
import { planAllNew, planRecording, type RecordingPlan, recordsOf, syncsOf } from './plan.ts';
import type { Routing, RoutingCache } from './routing.ts';
import type { PreparedContent } from './voucher-content.ts';

/** Holds what a transaction recorded. */
export interface Committed {
  readonly plan: RecordingPlan;
  readonly written: WrittenIds;
}

/** Recorded, or why nothing was: try again. */
export type CommitAttempt = Committed | 'routing-changed' | 'raced' | 'not-new';

/** SQLSTATE deadlock_detected: PostgreSQL ended one of two commits that waited for each other. */
const deadlockDetected = '40P01';

/** Voucher ids that are taken from the sequence at once. */
const idBlock = 500;

/** Says where versions that the hub counts begin, as of the last check of the database. */
export interface VersionBase {
  readonly versionBase: number;
}

/** The transactions by which groups of vouchers are recorded. */
export class IntakeTransactions {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #time: BusinessTime;
  readonly #routing: RoutingCache;
  readonly #lineage: VersionBase;
  #ids: string[] = [];

  constructor(deps: {
    db: Database;
    clock: Clock;
    time: BusinessTime;
    routing: RoutingCache;
    lineage: VersionBase;
  }) {
    this.#db = deps.db;
    this.#clock = deps.clock;
    this.#time = deps.time;
    this.#routing = deps.routing;
    this.#lineage = deps.lineage;
  }

  /**
   * Records vouchers: locks the known records among them, reads what they are, then writes.
   * @param reload whether the routing is read under the lock where `routing` is out of date
   */
  async commit(
    contents: readonly PreparedContent[],
    routing: Routing,
    wants: { syncIds: boolean; reload: boolean },
  ): Promise<CommitAttempt> {
    const input = await this.#inputOf(contents, routing);
    return this.#onConnection(async client => {
      const { versions, known } = await beginIntake(client, recordsOf(contents));
      const isStale =
        versions.subscriptions !== routing.versions.subscriptions ||
        versions.eventTypes !== routing.versions.eventTypes;
      if (isStale && !wants.reload) {
        await client.query('rollback');
        return 'routing-changed';
      }
      const current = isStale ? await this.#routing.reloadWithin(client) : routing;
      const plan = await planRecording(client, known, { ...input, routing: current });
      const written = await writeAndCommit(client, this.#recordingOf(plan, wants.syncIds));
      return this.#committed(plan, written);
    });
  }

  /** The same in one statement, for records that are all new. */
  async commitAllNew(
    contents: readonly PreparedContent[],
    routing: Routing,
    wants: { syncIds: boolean },
  ): Promise<CommitAttempt> {
    const plan = planAllNew(await this.#inputOf(contents, routing));
    const recording = this.#recordingOf(plan, wants.syncIds);
    try {
      const written = await writeAllNew(this.#db.pool, recording, routing.versions);
      return written === null ? 'not-new' : this.#committed(plan, written);
    } catch (error) {
      if (hasRaced(error)) return 'raced';
      throw error;
    }
  }

  async #inputOf(contents: readonly PreparedContent[], routing: Routing) {
    const today = this.#time.dayOf(this.#clock.now());
    const ids = await this.#takeIds(contents.length);
    return { contents, routing, ids, frame: { today, versionBase: this.#lineage.versionBase } };
  }

  #recordingOf(plan: RecordingPlan, wantSyncIds: boolean): Recording {
    const now = this.#clock.now();
    const syncs = syncsOf(plan, cron => this.#time.nextBatch(cron, now));
    return { events: plan.events, syncs, wantSyncIds };
  }

  #committed(plan: RecordingPlan, written: WrittenIds): Committed {
    this.#ids.push(...plan.unusedIds);
    return { plan, written };
  }

  async #onConnection(work: (client: PoolClient) => Promise<CommitAttempt>): Promise<CommitAttempt> {
    const client = await this.#db.pool.connect();
    let broken = true;
    try {
      const attempt = await work(client);
      broken = false;
      return attempt;
    } catch (error) {
      broken = await client.query('rollback').then(
        () => false,
        () => true,
      );
      if (hasRaced(error)) return 'raced';
      throw error;
    } finally {
      client.release(broken);
    }
  }

  async #takeIds(count: number): Promise<string[]> {
    if (this.#ids.length < count)
      this.#ids.push(...(await reserveVoucherIds(this.#db.pool, Math.max(count, idBlock))));
    return this.#ids.splice(0, count);
  }
}

/** New records can't be locked ahead, so commits that create the same ones may meet in two orders. */
function hasRaced(error: unknown): boolean {
  return errorCodeOf(error) === deadlockDetected || isSameRecord(error);
}
