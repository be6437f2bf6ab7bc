import type { Clock } from '../../core/clock.ts';
import { badInput } from '../../core/errors.ts';
import { restoreLimits } from '../../core/restore-limits.ts';
import type { Database } from '../../db/database.ts';
import type { Lineage } from '../../db/lineage/lineage.ts';
import {
  type DatabaseRestoreRow,
  readRestores,
  settleRestores,
} from '../../db/lineage/restore-statements.ts';

/** Holds what people are told, and tell, of restored backups and promoted standbys. */
export class Restores {
  readonly #deps: { db: Database; lineage: Lineage; clock: Clock };

  constructor(deps: { db: Database; lineage: Lineage; clock: Clock }) {
    this.#deps = deps;
  }

  /** The latest first. */
  list(): Promise<DatabaseRestoreRow[]> {
    return readRestores(this.#deps.db.pool, restoreLimits.restoresShown);
  }

  /**
   * Takes the database for a restored one: all numbers move on.
   * @param since when the backup was made; null: when a hub last saw the database before
   * @throws HubError BAD_USER_INPUT for a time to come
   */
  async note(since: Date | null): Promise<DatabaseRestoreRow> {
    const { db, lineage, clock } = this.#deps;
    if (since !== null && since.getTime() > clock.now())
      throw badInput('missingSince', 'missingSince: a backup was made in the past.');
    await lineage.restored(db.pool, since?.getTime() ?? null);
    const [latest] = await readRestores(db.pool, 1);
    if (latest === undefined) throw new Error('The restore was not written down.');
    return latest;
  }

  /** Says that everything is back. @returns what was settled by it */
  settle(): Promise<DatabaseRestoreRow[]> {
    return settleRestores(this.#deps.db.pool);
  }
}

/** A time in which what was recorded may be missing, as an ISO 8601 interval. */
export function missingSpan(since: number, until: number): string {
  return `${new Date(since).toISOString()}/${new Date(until).toISOString()}`;
}

/** Reads it back; null: it is none. */
export function missingSpanOf(text: string): { since: number; until: number } | null {
  const [since = '', until = ''] = text.split('/');
  const span = { since: Date.parse(since), until: Date.parse(until) };
  return Number.isNaN(span.since) || Number.isNaN(span.until) ? null : span;
}
