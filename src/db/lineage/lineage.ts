import { randomInt } from 'node:crypto';
import type { ClientBase, Pool } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { restoreLimits } from '../../core/restore-limits.ts';
import {
  type DatabaseIdentity,
  forgetCachedVersions,
  type KnownLineage,
  lockLineage,
  moveNumbers,
  noteNumbers,
  readIdentity,
  readNumbers,
  writeLineage,
} from './lineage-statements.ts';
import { type Numbers, numbersAfter, numbersBehind } from './numbers.ts';
import { insertRestore } from './restore-statements.ts';

/** Versions of what is cached move on by up to so much: no process has seen one of them. */
const cachedVersions = 1_000_000_000;

/** A connection to a standby: it could be promoted under the hub, with numbers that were given already. */
class StandbyError extends Error {
  /** SQLSTATE read_only_sql_transaction. */
  readonly code = '25006';

  constructor() {
    super('The database only reads: it is a standby.');
  }
}

/** Says who says that a database was restored. */
interface ByHand {
  /** When the backup was made, milliseconds since 1970; null: nobody knows better than the database. */
  readonly since: number | null;
}

/**
 * Sees to it that no number is given twice, whatever happens to the database. Every new connection is checked before it
 * is used: on a server that was started since, numbers move on; where the database turns out to be an older one (a
 * restored backup, a promoted standby), they move far on, and what may be missing is written down.
 */
export class Lineage {
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #fileMark: string | null;
  /** The server that was checked last, and when. */
  #checked: string | undefined;
  #checkedAt = Number.NEGATIVE_INFINITY;
  /** Numbers that are known to be on the server's disk. */
  #known: Numbers = {};
  #versionBase = 0;

  /** @param deps.fileMark see `embeddedFileMark`; null: the server is none of ours */
  constructor({ log, clock, fileMark }: { log: Logger; clock: Clock; fileMark: string | null }) {
    this.#log = log;
    this.#clock = clock;
    this.#fileMark = fileMark;
  }

  /** Source versions that the hub counts itself begin no lower: a consumer may know those that a restore lost. */
  get versionBase(): number {
    return this.#versionBase;
  }

  /** Checks a connection that nobody uses yet. @throws where it is one to a standby, or the check fails */
  async check(client: ClientBase): Promise<void> {
    const identity = await readIdentity(client);
    if (identity === null) throw new StandbyError();
    if (tokenOf(identity) !== this.#checked) await this.#settle(client, identity, null);
    this.#checkedAt = this.#clock.steady();
  }

  /** Checks a connection that was checked before, unless one was just now. */
  async checkAgain(client: ClientBase): Promise<void> {
    if (this.#clock.steady() - this.#checkedAt >= restoreLimits.lineageTrustMs) await this.check(client);
  }

  /** Notes how far the numbers are; checks anew where they are not as they were left. */
  async beat(pool: Pool, everyMs: number = restoreLimits.lineageBeatMs): Promise<void> {
    const beat = await noteNumbers(pool, everyMs);
    if (beat?.isOwn === true && numbersBehind(beat.numbers, this.#known).length === 0) {
      this.#known = beat.numbers;
      this.#versionBase = beat.versionBase;
      return;
    }
    await this.#onConnection(pool, null);
  }

  /**
   * Takes the database for a restored one, as a person says. @param since when the backup was made; null: as the
   * database has it
   */
  restored(pool: Pool, since: number | null): Promise<void> {
    return this.#onConnection(pool, { since });
  }

  async #onConnection(pool: Pool, byHand: ByHand | null): Promise<void> {
    const client = await pool.connect();
    try {
      const identity = await readIdentity(client);
      if (identity === null) throw new StandbyError();
      await this.#settle(client, identity, byHand);
      client.release();
    } catch (error) {
      client.release(true);
      throw error;
    }
  }

  async #settle(client: ClientBase, identity: DatabaseIdentity, byHand: ByHand | null): Promise<void> {
    await client.query('begin');
    try {
      // Two hubs that find no row: the second one waits here for the first one's.
      await client.query('lock table database_lineage in share row exclusive mode');
      const known = await lockLineage(client);
      const current = await readNumbers(client);
      const reason =
        byHand === null ? reasonOf({ identity, known, current }, this.#fileMark, this.#known) : 'by_hand';
      const versionBase = await this.#move(client, { identity, known, current, reason, byHand });
      await writeLineage(client, {
        ...identity,
        fileMark: this.#fileMark ?? known?.fileMark ?? null,
        versionBase,
      });
      const numbers = await readNumbers(client);
      await client.query('commit');
      this.#versionBase = versionBase;
      this.#known = numbers;
      this.#checked = tokenOf(identity);
    } catch (error) {
      await client.query('rollback').catch(() => {});
      this.#log.debug({ error: messageOf(error) }, 'the database could not be compared with what it was');
      throw error;
    }
  }

  /** Moves the numbers on where they may have been given. @returns the version base from now on */
  async #move(client: ClientBase, found: Found & { byHand: ByHand | null }): Promise<number> {
    const { identity, known, current, reason, byHand } = found;
    // Without a row the database is new, or of a version that kept none: then its backups can't be told from it.
    const isFirst = known === null;
    if (isFirst && Object.values(current).every(last => last === 0)) return 0;
    if (!isFirst && reason === null && known.startedAt === identity.startedAt) return known.versionBase;
    const ms = known?.seenMs ?? 0;
    if (ms < 0) this.#log.warn({ ms }, "the database's clock is behind what it said before");
    const numbers = numbersAfter({
      current,
      noted: known?.numbers ?? current,
      ms,
      isRestored: isFirst || reason !== null,
    });
    await moveNumbers(client, numbers);
    if (reason === null || known === null) return known?.versionBase ?? 0;
    const since = byHand?.since ?? known.seenAt;
    await insertRestore(client, since, reason);
    await forgetCachedVersions(client, randomInt(1, cachedVersions));
    this.#log.error(
      { reason, missing_since: new Date(since).toISOString() },
      'the database is an older one than before (a restored backup or a promoted standby): all numbers have moved on; what was recorded since then may be missing (docs/operations.md, Backup)',
    );
    return Math.max(known.versionBase + 1, await secondsOf(client));
  }
}

/** Holds what a check finds. */
interface Found {
  readonly identity: DatabaseIdentity;
  readonly known: KnownLineage | null;
  readonly current: Numbers;
  readonly reason: RestoreReason | null;
}

/** Says how it shows that a database was restored. */
export type RestoreReason =
  | 'other_server'
  | 'new_timeline'
  | 'other_database'
  | 'rows_of_a_dump'
  | 'copied_folder'
  | 'numbers_went_back'
  | 'by_hand';

function reasonOf(
  { identity, known, current }: Omit<Found, 'reason'>,
  fileMark: string | null,
  remembered: Numbers,
): RestoreReason | null {
  if (known === null) return null;
  if (known.server !== identity.server) return 'other_server';
  if (known.timeline !== identity.timeline) return 'new_timeline';
  if (known.database !== identity.database) return 'other_database';
  if (!known.isOwn) return 'rows_of_a_dump';
  if (known.fileMark !== null && fileMark !== null && known.fileMark !== fileMark) return 'copied_folder';
  return numbersBehind(current, remembered).length > 0 ? 'numbers_went_back' : null;
}

function tokenOf({ server, timeline, database, startedAt }: DatabaseIdentity): string {
  return `${server}/${timeline}/${database}/${startedAt}`;
}

async function secondsOf(client: ClientBase): Promise<number> {
  const { rows } = await client.query<{ seconds: number }>(
    'select extract(epoch from clock_timestamp())::int as seconds',
  );
  return rows[0]?.seconds ?? 0;
}
