import type { Clock } from '../core/clock.ts';
import { HubError, messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import {
  endReport,
  markRepaired,
  noteProgress,
  type ReportEnd,
  renewReport,
  runningReport,
  startReport,
  writeDifferences,
} from '../db/consistency/report-statements.ts';
import type { DateRange } from '../db/consistency/tree.ts';
import type { Database } from '../db/database.ts';
import type { SubscriptionRow } from '../db/entities.ts';
import { CheckFailedError, TooManyDifferencesError } from './answers.ts';
import { walk } from './compare.ts';
import { type ConsistencyChannel, Conversation, type ConversationBounds } from './conversation.ts';
import type { Fold } from './fold.ts';
import { StoredSide } from './hub-side.ts';
import type { Difference } from './judge.ts';
import { isMendable, repair } from './repair.ts';
import { Settlement } from './settle.ts';

/** Holds what checks work with. */
export interface ChecksDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly fold: Fold;
  readonly drains: { wake(shards: Iterable<string>): void };
  /** Says how a subscription's consumer is asked. */
  readonly channelOf: (subscription: SubscriptionRow) => ConsistencyChannel;
  /** The share of records, in percent, above which differences are not mended without a person. */
  readonly repairMaxPercent: number;
  /** Left out: those of `limits`. */
  readonly bounds?: ConversationBounds;
}

/** Holds what a check looks for, and what it does about it. */
export interface CheckRequest {
  readonly range: DateRange;
  /** `ask`: nothing; `auto`: sends again what is not too much; `all`: sends again whatever differs, as a person said. */
  readonly repair: 'ask' | 'auto' | 'all';
  /** Finds the differences; left out: by comparing all that the subscription covers in the range. */
  readonly find?: (settlement: Settlement) => Promise<CheckFindings>;
}

/** Holds what a check found. */
export interface CheckFindings {
  /** Records that were compared. */
  readonly checked: number;
  readonly differences: readonly Difference[];
}

/** A check that is under way. */
export interface RunningCheck {
  readonly reportId: string;
  /** Never rejects; what it came to stands in the report. */
  readonly done: Promise<void>;
}

/** Compares what consumers hold with what they should hold, mends it where that is wanted, and reports. */
export class Checks {
  readonly #deps: ChecksDeps;
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();

  constructor(deps: ChecksDeps) {
    this.#deps = deps;
  }

  /** Begins a check. @throws HubError CONFLICT while another of the subscription is running */
  async start(subscription: SubscriptionRow, request: CheckRequest): Promise<RunningCheck> {
    const { from, to } = request.range;
    if (from !== null && to !== null && from > to)
      throw new HubError('BAD_USER_INPUT', 'from: later than to.', { field: 'from' });
    const reportId = await startReport(
      this.#deps.db.pool,
      { subscriptionId: subscription.id, from, to, autoFix: request.repair !== 'ask' },
      limits.checkLeaseMs,
    );
    if (reportId === undefined) {
      const running = await runningReport(this.#deps.db.pool, subscription.id);
      const where = running === undefined ? 'consistencyReports shows it' : `it is report ${running}`;
      throw new HubError(
        'CONFLICT',
        `A consistency check of subscription ${subscription.id} is running; ${where}.`,
      );
    }
    const done = this.#run(reportId, subscription, request).finally(() => this.#running.delete(done));
    this.#running.add(done);
    return { reportId, done };
  }

  /** Ends the checks that are under way: they are FAILED. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#running);
  }

  async #run(reportId: string, subscription: SubscriptionRow, request: CheckRequest): Promise<void> {
    const { db, clock, log, channelOf, bounds } = this.#deps;
    const signal = this.#stopping.signal;
    const conversation = new Conversation(channelOf(subscription), { clock, signal, bounds });
    const stopRenewing = clock.every(limits.checkLeaseMs / 3, () => {
      renewReport(db.pool, reportId, conversation, limits.checkLeaseMs).catch((error: unknown) =>
        log.warn({ report: reportId, error: messageOf(error) }, "a check's lease was not renewed"),
      );
    });
    const settlement = new Settlement(db.pool, subscription, conversation);
    let tooMany = 0;
    let found: CheckFindings = { checked: 0, differences: [] };
    let end: Pick<ReportEnd, 'state' | 'errorMessage' | 'repairedCount'>;
    try {
      found = await (request.find?.(settlement) ??
        this.#find(subscription, request, conversation, settlement));
      end = {
        state: 'done',
        ...(await this.#conclude({ reportId, subscription, request, found, settlement })),
      };
    } catch (error) {
      end = {
        state: 'failed',
        errorMessage: this.#faultOf(error, reportId, subscription),
        repairedCount: 0,
      };
      if (error instanceof TooManyDifferencesError) tooMany = error.count;
    }
    stopRenewing();
    const { requests, bytes: bytesExchanged } = conversation;
    const { checked, differences } = found;
    await endReport(db.pool, reportId, {
      ...end,
      checked,
      requests,
      bytesExchanged,
      differenceCount: differences.length + tooMany,
    }).catch((error: unknown) =>
      log.error({ report: reportId, error: messageOf(error) }, 'the end of a check was not written'),
    );
  }

  async #find(
    subscription: SubscriptionRow,
    { range }: CheckRequest,
    conversation: Conversation,
    settlement: Settlement,
  ): Promise<CheckFindings> {
    const { atMs: sinceMs } = await this.#deps.fold.run(this.#stopping.signal);
    const stored = new StoredSide(this.#deps.db.pool, subscription, range);
    const { checked, candidates } = await walk(stored, conversation, range);
    const byDates = range.from !== null || range.to !== null;
    const differences = await settlement.judge(candidates, { sinceMs, byDates });
    return { checked, differences: differences.toSorted(byName) };
  }

  /**
   * Writes what was found, and mends it where that is wanted. @returns how many are mended, and what the report says
   * beside it (null: nothing)
   */
  async #conclude(check: {
    reportId: string;
    subscription: SubscriptionRow;
    request: CheckRequest;
    found: CheckFindings;
    settlement: Settlement;
  }): Promise<Pick<ReportEnd, 'errorMessage' | 'repairedCount'>> {
    const { reportId, subscription, request, found, settlement } = check;
    const { differences } = found;
    const tell = (repairedCount: number) =>
      noteProgress(this.#deps.db.pool, reportId, {
        checked: found.checked,
        differenceCount: differences.length,
        repairedCount,
      });
    if (differences.length === 0) return { errorMessage: null, repairedCount: 0 };
    await tell(0);
    await writeDifferences(this.#deps.db.pool, reportId, differences);
    const isTooMuch = request.repair === 'auto' && this.#isTooMuch(found);
    const waits = `${this.#shareOf(found)}: nothing was repaired; a person must look at it.`;
    this.#alert(
      reportId,
      subscription,
      differences.length,
      isTooMuch ? waits : `${differences.length} differences.`,
    );
    if (isTooMuch || request.repair === 'ask')
      return { errorMessage: isTooMuch ? waits : null, repairedCount: 0 };
    const mended = await repair(this.#deps, {
      subscriptionId: subscription.id,
      differences,
      settlement,
      signal: this.#stopping.signal,
      wait: subscription.state !== 'paused',
      tell,
    });
    await markRepaired(this.#deps.db.pool, reportId, mended);
    const left = differences.filter(isMendable).length - mended.length;
    const notYet = `${left} of ${differences.length} differences were sent again and are not verified yet: on their way still, or refused. See the subscription's sync log.`;
    return { errorMessage: left === 0 ? null : notYet, repairedCount: mended.length };
  }

  #isTooMuch({ checked, differences }: CheckFindings): boolean {
    const share = (checked * this.#deps.repairMaxPercent) / 100;
    return differences.length > limits.consistencyAlertAbove && differences.length > share;
  }

  #shareOf({ checked, differences }: CheckFindings): string {
    const percent = checked === 0 ? 'all' : `${((differences.length * 100) / checked).toFixed(1)} %`;
    return `${differences.length} differences (${percent}; up to ${this.#deps.repairMaxPercent} % are repaired by themselves)`;
  }

  /** The log's word of it; the alert itself is fired by the rule that reads the reports. */
  #alert(report: string, subscription: SubscriptionRow, differences: number, what: string): void {
    if (differences <= limits.consistencyAlertAbove) return;
    const { id: shard, name, targetSystem } = subscription;
    this.#deps.log.error(
      { shard, report, differences, alert: 'critical' },
      `subscription ${shard} (${name} of ${targetSystem}) is not consistent: ${what}`,
    );
  }

  #faultOf(error: unknown, reportId: string, subscription: SubscriptionRow): string {
    const { log } = this.#deps;
    const shard = subscription.id;
    if (error instanceof TooManyDifferencesError)
      this.#alert(reportId, subscription, error.count, error.message);
    if (error instanceof CheckFailedError || error instanceof HubError) {
      log.warn({ shard, report: reportId, error: error.message }, 'a consistency check failed');
      return error.message;
    }
    log.error({ shard, report: reportId, err: error }, 'a consistency check failed');
    return 'A fault of the hub; its log has the cause.';
  }
}

function byName(a: Difference, b: Difference): number {
  const parts = ['sourceSystem', 'sourceModule', 'sourceId'] as const;
  for (const part of parts) if (a[part] !== b[part]) return a[part] < b[part] ? -1 : 1;
  return 0;
}
