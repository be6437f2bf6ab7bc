import { limits } from '../core/limits.ts';
import { dropReports, failAbandonedReports, reportsOfDay } from '../db/consistency/report-statements.ts';
import type { Database } from '../db/database.ts';
import {
  ConsistencyDifferenceEntity,
  type ConsistencyDifferenceRow,
  ConsistencyReportEntity,
  type ConsistencyReportRow,
} from '../db/entities.ts';

/** Reads what checks came to. */
export class ConsistencyReports {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** @param own only these subscriptions'; null: any */
  async byId(id: string, own: readonly string[] | null): Promise<ConsistencyReportRow | null> {
    if (!/^\d{1,18}$/.test(id)) return null;
    return this.#db.fork().findOne(ConsistencyReportEntity, { id, ...only(own) });
  }

  /** The newest first. @param own only these subscriptions'; null: any */
  async list(own: readonly string[] | null, limit: number): Promise<ConsistencyReportRow[]> {
    return this.#db.fork().find(ConsistencyReportEntity, only(own), { orderBy: { id: 'desc' }, limit });
  }

  /** Fails the checks whose process is gone: whoever waits for their end must not wait for ever. */
  failAbandoned(): Promise<void> {
    return failAbandonedReports(this.#db.pool);
  }

  /** Tells whether people may begin no further check of a subscription today. */
  async isDayFull(subscriptionId: string): Promise<boolean> {
    return (await reportsOfDay(this.#db.pool, subscriptionId, limits.checksADay)) >= limits.checksADay;
  }

  /** Forgets what is older, differences and all. */
  dropOlderThan(days: number): Promise<void> {
    return dropReports(this.#db.pool, days);
  }

  /** Gives what a check found, by system, module and id. */
  async differences(reportId: string, first: number): Promise<ConsistencyDifferenceRow[]> {
    return this.#db
      .fork()
      .find(
        ConsistencyDifferenceEntity,
        { reportId },
        { orderBy: { n: 'asc' }, limit: Math.min(first, limits.planItems) },
      );
  }
}

function only(own: readonly string[] | null): { subscriptionId?: { $in: string[] } } {
  return own === null ? {} : { subscriptionId: { $in: [...own] } };
}
