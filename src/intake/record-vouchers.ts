import type { BusinessTime } from '../core/business-time.ts';
import type { Clock } from '../core/clock.ts';
import { errorCodeOf, HubError, isDataFault, messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import type { RecordOutcome } from '../core/model.ts';
import { type Span, type Tracer, traced } from '../core/tracing.ts';
import type { Database } from '../db/database.ts';
import { GroupCommit } from './group-commit.ts';
import { judgeBySchema } from './judge-by-schema.ts';
import { shardsToWake } from './plan.ts';
import type { Routing, RoutingCache } from './routing.ts';
import { type CommitAttempt, type Committed, IntakeTransactions, type VersionBase } from './transactions.ts';
import { type PreparedContent, prepareContent } from './voucher-content.ts';
import { checkVoucherInput, type VoucherInput } from './voucher-input.ts';

/** Holds what recording one voucher came to. */
export interface Recorded {
  readonly outcome: RecordOutcome;
  readonly voucherId: string;
  /** Null for a duplicate. */
  readonly eventId: string | null;
  /** Says how many subscriptions it goes to. */
  readonly deliveries: number;
}

/** One item's result: recorded, or refused with the reason. */
export type RecordResult = Recorded | HubError;

/** Holds what intake needs of delivery: to be told, after the commit, which shards have work now. */
export interface DrainWaker {
  wake(subscriptionIds: Iterable<string>): void;
}

/** SQLSTATE disk_full. */
const diskFull = '53100';

/** Sets how often a commit starts over because a cache was stale or another hub created the same record. */
const maxTries = 8;

/** Says who hears of new syncs; ids are asked for only while somebody does. */
interface NewSyncs {
  readonly isWatched: boolean;
  note(syncIds: Iterable<string>): void;
}

/** Says who counts what came of vouchers. */
interface IntakeMeter {
  recorded(outcome: RecordOutcome | 'refused'): void;
}

/** Records vouchers: checks, joins concurrent calls into group commits, and wakes the shards that got work. */
export class Intake {
  readonly #clock: Clock;
  readonly #transactions: IntakeTransactions;
  readonly #routing: RoutingCache;
  readonly #waker: DrainWaker;
  readonly #changes: NewSyncs;
  readonly #meter: IntakeMeter;
  readonly #log: Logger;
  readonly #tracer: Tracer | null;
  readonly #currencies: ReadonlySet<string>;
  readonly #group: GroupCommit<PreparedContent, RecordResult>;
  /** True when the last group's records were all new: then the next one's are taken for it, which spares a round trip. */
  #expectsNew = true;

  constructor(deps: {
    db: Database;
    clock: Clock;
    time: BusinessTime;
    routing: RoutingCache;
    lineage: VersionBase;
    waker: DrainWaker;
    changes: NewSyncs;
    meter: IntakeMeter;
    log: Logger;
    tracer: Tracer | null;
    /** Codes that vouchers may have. */
    currencies: ReadonlySet<string>;
  }) {
    this.#clock = deps.clock;
    this.#transactions = new IntakeTransactions(deps);
    this.#routing = deps.routing;
    this.#waker = deps.waker;
    this.#changes = deps.changes;
    this.#meter = deps.meter;
    this.#log = deps.log;
    this.#tracer = deps.tracer;
    this.#currencies = deps.currencies;
    this.#group = new GroupCommit(contents => this.#commitGroup(contents), deps.clock, {
      groupSize: limits.intakeGroup,
      lingerMs: limits.intakeLingerMs,
      concurrency: limits.intakeCommits,
      queueSize: limits.intakeQueue,
    });
  }

  /**
   * Records vouchers, in order; a refused one does not stop the others. Every result is durable when it is told.
   * @throws HubError UNAVAILABLE, SHUTTING_DOWN: nothing of it was recorded, or (after a connection broke during
   * the commit) it can't be known; sent again, nothing is recorded twice
   */
  async record(inputs: readonly VoucherInput[]): Promise<RecordResult[]> {
    const facts = { nowMs: this.#clock.now(), currencies: this.#currencies };
    const span = this.#tracer?.current() ?? null;
    const prepared = inputs.map(input => prepareOrRefuse(input, facts, span));
    const good = prepared.filter((item): item is PreparedContent => !(item instanceof HubError));
    if (good.length > 0) await this.#judge(good);
    const results = good.length === 0 ? [] : await this.#group.add(good);
    let at = 0;
    return prepared.map(item => {
      const result = item instanceof HubError ? item : (results[at++] ?? missingResult());
      this.#meter.recorded(result instanceof HubError ? 'refused' : result.outcome);
      return result;
    });
  }

  /** Takes no more vouchers, and resolves when all that was taken is committed. */
  close(): Promise<void> {
    return this.#group.close();
  }

  /** Where the catalogue can't be read, neither can the commit be made, which says so. */
  async #judge(contents: readonly PreparedContent[]): Promise<void> {
    const routing = await this.#routing.current().catch(() => null);
    if (routing !== null) await judgeBySchema(contents, routing.catalogue, this.#clock);
  }

  /** A commit that serves several mutations is the child of one at most: it leads to them, and they to it. */
  #commitGroup(contents: readonly PreparedContent[]): Promise<RecordResult[]> {
    const tracer = this.#tracer;
    if (tracer === null) return this.#commitOrSplit(contents);
    const callers = [...new Set(contents.map(({ span }) => span).filter(span => span !== null))];
    if (callers.length === 0) return this.#commitOrSplit(contents);
    const attributes = { 'voucher_hub.vouchers': contents.length };
    return traced(tracer, 'commit vouchers', { parents: callers, attributes }, commit => {
      for (const caller of callers) if (caller.traceId !== commit.traceId) caller.link(commit);
      return this.#commitOrSplit(contents);
    });
  }

  async #commitOrSplit(contents: readonly PreparedContent[]): Promise<RecordResult[]> {
    try {
      return await this.#commit(contents);
    } catch (error) {
      if (!isDataFault(error)) throw this.#unavailable(error);
      if (contents.length === 1) {
        return [
          new HubError('BAD_USER_INPUT', `The database refused this voucher: ${messageOf(error)}`, {
            cause: error,
          }),
        ];
      }
      // One voucher that the database refuses must not take its neighbours with it: find it by halves.
      const half = contents.length >> 1;
      const first = await this.#commitOrSplit(contents.slice(0, half));
      return [...first, ...(await this.#commitOrSplit(contents.slice(half)))];
    }
  }

  async #commit(contents: readonly PreparedContent[]): Promise<RecordResult[]> {
    let routing = await this.#routing.current();
    for (let tries = 0; tries < maxTries; tries += 1) {
      const attempt = await this.#tryCommit(contents, routing, tries);
      if (attempt === 'routing-changed') routing = await this.#routing.reload();
      else if (typeof attempt === 'object') {
        this.#expectsNew = attempt.plan.isAllNew;
        this.#waker.wake(shardsToWake(attempt.plan));
        this.#changes.note(attempt.written.syncs);
        return resultsOf(attempt);
      }
    }
    throw new HubError(
      'UNAVAILABLE',
      'Other hubs change the same records all the time; nothing was recorded. Send it again.',
    );
  }

  #tryCommit(contents: readonly PreparedContent[], routing: Routing, tries: number): Promise<CommitAttempt> {
    const syncIds = this.#changes.isWatched;
    if (tries === 0 && this.#expectsNew)
      return this.#transactions.commitAllNew(contents, routing, { syncIds });
    // Where it has changed twice it is read under the lock: else a row of changes could outrun every reload.
    return this.#transactions.commit(contents, routing, { syncIds, reload: tries > 1 });
  }

  #unavailable(error: unknown): HubError {
    if (error instanceof HubError) return error;
    this.#log.error({ err: error }, 'vouchers could not be recorded');
    const what =
      errorCodeOf(error) === diskFull ? "The database's disk is full" : 'The database does not answer';
    return new HubError('UNAVAILABLE', `${what}; send it again (nothing is recorded twice).`, {
      cause: error,
    });
  }
}

function prepareOrRefuse(
  input: VoucherInput,
  facts: { nowMs: number; currencies: ReadonlySet<string> },
  span: Span | null,
): PreparedContent | HubError {
  try {
    checkVoucherInput(input, facts);
    return prepareContent(input, span);
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
}

function resultsOf({ plan, written }: Committed): RecordResult[] {
  return plan.items.map(item =>
    item instanceof HubError
      ? item
      : {
          outcome: item.outcome,
          voucherId: item.voucherId,
          eventId: item.event === null ? null : (written.events[item.event.place - 1] ?? null),
          deliveries: item.subscriptions.length,
        },
  );
}

function missingResult(): HubError {
  return new HubError('INTERNAL_SERVER_ERROR', 'No result came for this voucher.');
}
