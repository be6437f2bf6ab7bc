import type { Pool } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { errorCodeOf, isDatabaseAway, messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { Database, type DatabaseOptions } from '../database.ts';

/** Says where the log of the primary ended at a moment, as bytes since its beginning. */
interface LagSample {
  readonly at: number;
  readonly end: bigint;
}

/** Holds what a server says of itself. */
export interface ServerIdentity {
  /** The same for a primary and its replicas. */
  readonly server: string;
  /** It follows a primary. */
  readonly isReplica: boolean;
  /** Says where its log ends, bytes: on a replica, what it has replayed. */
  readonly end: string;
}

/** Why one server is no replica of another; null: it may be. One that was promoted has a history of its own. */
export function kinshipFault(copy: ServerIdentity, primary: ServerIdentity): string | null {
  if (copy.server !== primary.server) return 'it is no replica of the server of DATABASE_URL';
  return copy.isReplica ? null : 'it takes writes itself: it is the primary, or was promoted';
}

/**
 * A streaming replica, for questions that may be answered some seconds late. How far it is behind is told by where the
 * primary's log ended when: PostgreSQL's own `pg_last_xact_replay_timestamp` grows while nothing is written, and stands
 * still on a replica that has lost its primary.
 */
export class Replica implements AsyncDisposable {
  readonly #options: DatabaseOptions;
  readonly #primary: Database;
  readonly #clock: Clock;
  #copy: Database | undefined;
  #samples: LagSample[] = [];
  /** Undefined while it is not to be used. */
  #ready: Database | undefined;
  /** Why it is not used; null: it is; undefined: not known yet. */
  #fault: string | null | undefined;
  #checking: Promise<void> = Promise.resolve();
  #cancel: (() => void) | undefined;

  constructor(options: DatabaseOptions, { primary, clock }: { primary: Database; clock: Clock }) {
    this.#options = options;
    this.#primary = primary;
    this.#clock = clock;
  }

  /** Looks at once, and every two seconds from then on. */
  async start(): Promise<void> {
    await this.#check();
    let isBusy = false;
    this.#cancel = this.#clock.every(limits.replicaCheckMs, () => {
      if (isBusy) return;
      isBusy = true;
      this.#checking = this.#check().finally(() => {
        isBusy = false;
      });
    });
  }

  /** The replica, while it answers and is not too far behind. */
  current(): Database | undefined {
    return this.#ready;
  }

  /** Tells whether a failed question is worth asking the primary; if so, the replica is left alone until it was looked at. */
  isAtFault(error: unknown): boolean {
    // 40001: what was read is gone on the primary, and the replica had to follow.
    if (!isDatabaseAway(error) && errorCodeOf(error) !== '40001') return false;
    this.#judge(`it failed: ${messageOf(error)}`);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#cancel?.();
    await this.#checking;
    await this.#copy?.[Symbol.asyncDispose]();
  }

  async #check(): Promise<void> {
    try {
      this.#judge(await this.#faultOf());
    } catch (error) {
      this.#judge(`it does not answer: ${messageOf(error)}`);
    }
  }

  /** Why the replica is not to be used now; null: it is. */
  async #faultOf(): Promise<string | null> {
    const now = this.#clock.steady();
    const primary = await identityOf(this.#primary.pool);
    const known = this.#samples.filter(({ at }) => now - at < 2 * limits.replicaLagMs);
    this.#samples = [...known, { at: now, end: BigInt(primary.end) }];
    this.#copy ??= await Database.connect(this.#options);
    const copy = await identityOf(this.#copy.pool);
    const stranger = kinshipFault(copy, primary);
    if (stranger !== null) return stranger;
    const reached = this.#samples.findLast(({ end }) => end <= BigInt(copy.end));
    const isNear = reached !== undefined && now - reached.at <= limits.replicaLagMs;
    return isNear ? null : `it is more than ${limits.replicaLagMs / 1_000} s behind`;
  }

  /** Uses the replica or not, and logs each change. */
  #judge(fault: string | null): void {
    this.#ready = fault === null ? this.#copy : undefined;
    const wasUsed = this.#fault === null;
    const isNews = this.#fault === undefined || wasUsed !== (fault === null);
    this.#fault = fault;
    if (!isNews) return;
    const { log } = this.#options;
    if (fault === null) log.info("analysts' lists are read from the replica");
    else
      log.warn(
        { fault },
        "analysts' lists are read from the primary: the replica (DATABASE_REPLICA_URL) is not used",
      );
  }
}

/** Asks a server which it is. */
export async function identityOf(db: Pick<Pool, 'query'>): Promise<ServerIdentity> {
  const { rows } = await db.query<ServerIdentity>(
    `select system_identifier::text as server, pg_is_in_recovery() as "isReplica",
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, '0/0')::text as end
     from pg_control_system()`,
  );
  const [answer] = rows;
  if (answer === undefined) throw new Error('It says nothing of its log.');
  return answer;
}
