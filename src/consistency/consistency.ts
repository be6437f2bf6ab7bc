import type { Clock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { shownValue } from '../core/shown-value.ts';
import type { DateRange } from '../db/consistency/tree.ts';
import type { ConsistencyDifferenceRow, ConsistencyReportRow, SubscriptionRow } from '../db/entities.ts';
import type { CheckRequest, Checks, RunningCheck } from './checks.ts';
import { checkPlan, itemsBySubscription, type PlanItem } from './plan.ts';
import type { ConsistencyReports } from './reports.ts';

/** Which subscriptions can be asked. */
interface Answering {
  /** Gives those of some subscriptions that have an attached consumer that answers. */
  listenedAmong(subscriptionIds: readonly string[]): Promise<Set<string>>;
}

/** Holds what a repair by a person came to. */
export interface FixResult {
  readonly dryRun: boolean;
  readonly found: number;
  /** Verified at the consumer. */
  readonly fixed: number;
  /** `limits.planItems` at most. */
  readonly differences: (ConsistencyDifferenceRow & { readonly subscriptionId: string })[];
  readonly reports: ConsistencyReportRow[];
  /** Not compared: another check of theirs is running. */
  readonly busy: SubscriptionRow[];
}

/** Checks and repairs as people, schedules and the command line ask for them. */
export class Consistency {
  readonly #checks: Checks;
  readonly #reports: ConsistencyReports;
  readonly #answering: Answering;
  readonly #clock: Clock;

  constructor(deps: { checks: Checks; reports: ConsistencyReports; answering: Answering; clock: Clock }) {
    this.#checks = deps.checks;
    this.#reports = deps.reports;
    this.#answering = deps.answering;
    this.#clock = deps.clock;
  }

  /**
   * Begins a check; waits a moment for its end.
   * @returns the report, RUNNING where it takes longer than `limits.checkAnswerMs`
   * @throws HubError CONFLICT, BAD_USER_INPUT, LIMIT_EXCEEDED
   */
  async check(
    subscription: SubscriptionRow,
    request: { range: DateRange; autoFix: boolean },
  ): Promise<ConsistencyReportRow> {
    const repair = request.autoFix ? 'auto' : 'ask';
    const check = await this.#begin(subscription, { range: request.range, repair });
    await this.#ended([check], limits.checkAnswerMs);
    return this.#reportOf(check);
  }

  /**
   * Finds what consumers hold wrongly of one voucher date and, unless it is a dry run, sends it again.
   * @param subscriptions those of them that can be asked; a single one is asked in any case
   * @param request without `wait` its reports are given as soon as they are begun
   * Of several, those that have a check running are left out, as `busy`.
   * @throws HubError CONFLICT where a single one has a check running, UNAVAILABLE when it is waited for longer than `limits.fixAnswerMs`: it goes on
   */
  async fix(
    subscriptions: readonly SubscriptionRow[],
    { day, dryRun, wait }: { day: string; dryRun: boolean; wait: boolean },
  ): Promise<FixResult> {
    const asked = subscriptions.length === 1 ? subscriptions : await this.answering(subscriptions);
    const repair = dryRun ? 'ask' : 'all';
    const range = { from: day, to: day };
    const busy = subscriptions.length === 1 ? null : [];
    const wanted = asked.map(of => ({ of, request: { range, repair } as const }));
    const checks = await this.#startAll(wanted, busy);
    return { ...(await this.#resultOf(checks, { dryRun, wait })), busy: busy ?? [] };
  }

  /**
   * Sends exactly what a plan lists, once it is sure that nothing has moved since: neither here nor at a consumer.
   * @throws HubError CONFLICT naming what moved; nothing is sent then
   */
  async apply(
    subscriptions: ReadonlyMap<string, SubscriptionRow>,
    items: readonly PlanItem[],
    { wait }: { wait: boolean },
  ): Promise<FixResult> {
    const planned = itemsBySubscription(items).map(([id, some]) => {
      const of = subscriptions.get(id);
      if (of === undefined) throw new HubError('NOT_FOUND', `There is no subscription ${shownValue(id)}.`);
      return { of, some };
    });
    const request = (some: readonly PlanItem[], repair: CheckRequest['repair']): CheckRequest => ({
      range: { from: null, to: null },
      repair,
      find: async settlement => checkPlan(some, await settlement.ask(some)),
    });
    // First all of them without sending: a plan is applied as a whole, or not at all.
    const trial = await this.#startAll(
      planned.map(({ of, some }) => ({ of, request: request(some, 'ask') })),
    );
    await this.#ended(trial, limits.fixAnswerMs);
    for (const report of await this.#reportsOf(trial))
      if (report.state !== 'done')
        throw new HubError(
          'CONFLICT',
          `The plan was not applied. ${report.errorMessage ?? 'It takes too long.'}`,
        );
    const checks = await this.#startAll(
      planned.map(({ of, some }) => ({ of, request: request(some, 'all') })),
    );
    return this.#resultOf(checks, { dryRun: false, wait });
  }

  /** Checks subscriptions one after the other, some at once, as each one's `autoFix` says. For schedules. */
  async checkAll(subscriptions: readonly SubscriptionRow[], signal: AbortSignal): Promise<void> {
    const waiting = await this.answering(subscriptions);
    const worker = async () => {
      for (let next = waiting.shift(); next !== undefined && !signal.aborted; next = waiting.shift()) {
        const request = { range: { from: null, to: null }, repair: next.autoFix ? 'auto' : 'ask' } as const;
        const check = await this.#checks.start(next, request).catch((error: unknown) => {
          // Somebody has just begun one.
          if (error instanceof HubError) return undefined;
          throw error;
        });
        await check?.done;
      }
    };
    await Promise.all(Array.from({ length: limits.checksAtOnce }, worker));
  }

  /** Gives those of some subscriptions that can be asked: by `consistencyUrl`, or by an attached consumer that answers. */
  async answering(subscriptions: readonly SubscriptionRow[]): Promise<SubscriptionRow[]> {
    const silent = subscriptions.filter(({ consistencyUrl }) => consistencyUrl == null).map(({ id }) => id);
    const listened = await this.#answering.listenedAmong(silent);
    return subscriptions.filter(({ id, consistencyUrl }) => consistencyUrl != null || listened.has(id));
  }

  /** @param busy takes those that have a check running; null: that is a CONFLICT */
  async #startAll(
    wanted: readonly { of: SubscriptionRow; request: CheckRequest }[],
    busy: SubscriptionRow[] | null = null,
  ): Promise<RunningCheck[]> {
    const checks: RunningCheck[] = [];
    for (let at = 0; at < wanted.length; at += limits.checksAtOnce) {
      const some = wanted.slice(at, at + limits.checksAtOnce);
      const started = await Promise.all(some.map(({ of, request }) => this.#startOne(of, request, busy)));
      const begun = started.filter(check => check !== undefined);
      if (at + limits.checksAtOnce < wanted.length) await this.#ended(begun, limits.fixAnswerMs);
      checks.push(...begun);
    }
    return checks;
  }

  /** Begins a check that a person asked for: there may be so many a day, as each leaves a report. */
  async #begin(of: SubscriptionRow, request: CheckRequest): Promise<RunningCheck> {
    if (await this.#reports.isDayFull(of.id))
      throw new HubError(
        'LIMIT_EXCEEDED',
        `Subscription ${of.id} was checked ${limits.checksADay} times within a day, which is the most; its schedule goes on.`,
      );
    return this.#checks.start(of, request);
  }

  async #startOne(
    of: SubscriptionRow,
    request: CheckRequest,
    busy: SubscriptionRow[] | null,
  ): Promise<RunningCheck | undefined> {
    try {
      return await this.#begin(of, request);
    } catch (error) {
      if (busy === null || !(error instanceof HubError) || error.code !== 'CONFLICT') throw error;
      busy.push(of);
      return undefined;
    }
  }

  async #resultOf(
    checks: readonly RunningCheck[],
    { dryRun, wait }: { dryRun: boolean; wait: boolean },
  ): Promise<FixResult> {
    if (wait) await this.#ended(checks, limits.fixAnswerMs);
    const reports = await this.#reportsOf(checks);
    const running = reports.filter(({ state }) => state === 'running').map(({ id }) => id);
    if (wait && running.length > 0)
      throw new HubError(
        'UNAVAILABLE',
        `It takes longer than ${limits.fixAnswerMs / 1_000} s and goes on; its reports are ${running.join(', ')}.`,
      );
    const differences: FixResult['differences'] = [];
    for (const { id, subscriptionId } of reports) {
      const rows = await this.#reports.differences(id, limits.planItems - differences.length);
      differences.push(...rows.map(row => Object.assign(row, { subscriptionId })));
    }
    return {
      dryRun,
      found: reports.reduce((sum, { differenceCount }) => sum + differenceCount, 0),
      fixed: reports.reduce((sum, { repairedCount }) => sum + repairedCount, 0),
      differences,
      reports,
      busy: [],
    };
  }

  /** Waits for checks to end, `ms` at most. */
  async #ended(checks: readonly RunningCheck[], ms: number): Promise<void> {
    const enough = new AbortController();
    const all = Promise.all(checks.map(({ done }) => done));
    await Promise.race([all, this.#clock.sleep(ms, enough.signal)]);
    enough.abort();
  }

  #reportsOf(checks: readonly RunningCheck[]): Promise<ConsistencyReportRow[]> {
    return Promise.all(checks.map(check => this.#reportOf(check)));
  }

  async #reportOf({ reportId }: RunningCheck): Promise<ConsistencyReportRow> {
    const report = await this.#reports.byId(reportId, null);
    if (report === null) throw new Error(`Report ${reportId} is gone.`);
    return report;
  }
}
