import { randomUUID } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Logger } from '../core/logger.ts';
import { Timetable, type Timing } from '../core/timetable.ts';
import type { Database } from '../db/database.ts';
import {
  endRun,
  giveRunBack,
  insertSchedule,
  type RunKey,
  type RunTaken,
  renewRun,
  takeRun,
} from '../db/schedule-statements.ts';

/** One run of a schedule. */
export interface ScheduledRun {
  /** When it was due: every process means the same instant by it. Milliseconds since 1970. */
  readonly due: number;
  /** Runs that were due since the last one and never begun; this one is for all of them. */
  readonly missed: number;
  /** Aborts when the hub stops, or the lease was lost: end soon. What throws then is begun anew elsewhere. */
  readonly signal: AbortSignal;
}

/** Something to be done at its times, once over all schedulers. */
export interface Schedule {
  /** Names it in the database and in the log; never used again for something else. */
  readonly name: string;
  readonly when: Timing;
  /**
   * Must bear to be repeated: a run whose process died is begun anew. What it throws is logged, and the next run is on
   * time.
   */
  run(run: ScheduledRun): Promise<void>;
}

interface Entry {
  readonly schedule: Schedule;
  readonly timetable: Timetable;
  /** The last run that is known to be over. */
  done: number;
  isKnown: boolean;
  /** Not to be asked about before this, by this process's steady clock. */
  askAt: number;
  underWay: Promise<void> | undefined;
}

/** Tells whether a run is known to be over. What a clock that has been set back since says of the future is not believed. */
function isOver({ timetable, done }: Entry, due: number): boolean {
  return due <= done && !(timetable.isPeriodic && done - due > limits.scheduleAheadMs);
}

/** Holds what schedules work with. */
export interface SchedulesDeps {
  readonly db: Database;
  readonly clock: Clock;
  readonly log: Logger;
  /** HUB_TIME_ZONE: in which cron patterns are meant. */
  readonly timeZone: string;
}

/**
 * Schedules that run once, however many schedulers there are, and never overlap. A run is named by the instant at
 * which it was due; whoever takes it in the database holds it under a lease (its clock decides), which is renewed
 * while the run lasts. If the process dies, another begins the run anew within some 12 s. Rests on rows alone, so it
 * works behind PgBouncer's transaction mode, where advisory locks of a session do not.
 *
 * What was due while nobody ran is run once, late, and the rest is counted as missed. A new cron schedule waits for its
 * next time; a new periodic one runs at once.
 */
export class Schedules {
  readonly #deps: SchedulesDeps;
  readonly #entries: Entry[] = [];
  readonly #stopping = new AbortController();
  #cancel: (() => void) | undefined;

  constructor(deps: SchedulesDeps) {
    this.#deps = deps;
  }

  /** Adds a schedule; before `start`. @throws Error for a cron pattern that is none, or a name that is taken */
  add(schedule: Schedule): void {
    if (this.#entries.some(entry => entry.schedule.name === schedule.name))
      throw new Error(`There is a schedule ${schedule.name} already.`);
    const timetable = new Timetable(schedule.when, this.#deps.timeZone);
    const done = Number.NEGATIVE_INFINITY;
    this.#entries.push({ schedule, timetable, done, isKnown: false, askAt: done, underWay: undefined });
  }

  /** Begins to look what is due; this process takes its turns from now on. */
  start(): void {
    this.#tick();
    this.#cancel = this.#deps.clock.every(limits.scheduleTickMs, () => this.#tick());
  }

  /** Begins nothing more, aborts what is under way, and waits for it. */
  async stop(): Promise<void> {
    this.#cancel?.();
    this.#stopping.abort();
    await Promise.all(this.#entries.map(async entry => entry.underWay));
  }

  #tick(): void {
    const { clock } = this.#deps;
    const now = clock.steady();
    for (const entry of this.#entries) {
      const due = entry.timetable.lastDue(clock.now());
      if (entry.underWay !== undefined || isOver(entry, due) || now < entry.askAt) continue;
      entry.askAt = now + limits.scheduleLookMs;
      entry.underWay = this.#tryRun(entry, due)
        .catch((error: unknown) =>
          this.#deps.log.warn(
            { schedule: entry.schedule.name, error: messageOf(error) },
            'schedule waits for the database',
          ),
        )
        .finally(() => {
          entry.underWay = undefined;
        });
    }
  }

  async #tryRun(entry: Entry, due: number): Promise<void> {
    const { pool } = this.#deps.db;
    const { name } = entry.schedule;
    if (!entry.isKnown) {
      const before = entry.timetable.isPeriodic ? due - 1 : due;
      await insertSchedule(pool, name, new Date(before));
      entry.isKnown = true;
    }
    const run: RunKey = { name, due: new Date(due), holder: randomUUID() };
    const aheadMs = entry.timetable.isPeriodic ? limits.scheduleAheadMs : null;
    const askedAt = this.#deps.clock.steady();
    const found = await takeRun(pool, run, { leaseMs: limits.scheduleLeaseMs, aheadMs });
    // Someone has emptied the table: it is made known again at the next look.
    if (found === undefined) entry.isKnown = false;
    else if (!found.taken) entry.done = Math.min(found.done, due);
    else await this.#run(entry, run, { askedAt, missed: this.#missedBefore(entry, run, found) });
  }

  /** Says how many runs were missed; says what else is not as it should be. */
  #missedBefore({ timetable }: Entry, { name, due }: RunKey, { begun, done }: RunTaken): number {
    const { log } = this.#deps;
    const missed = timetable.dueBetween(done, due.getTime());
    if (done > due.getTime())
      log.warn({ schedule: name, done: new Date(done), due }, 'the clocks of hub processes differ');
    else if (begun > done)
      log.warn({ schedule: name, due: new Date(begun) }, 'a run was cut off, and is begun anew');
    // A periodic run that was missed is no loss: the next one does its work.
    if (missed > 0)
      log[timetable.isPeriodic ? 'debug' : 'warn']({ schedule: name, missed, due }, 'missed runs');
    return missed;
  }

  async #run(
    entry: Entry,
    run: RunKey,
    { askedAt, missed }: { askedAt: number; missed: number },
  ): Promise<void> {
    const { db, log } = this.#deps;
    const lease = new RunLease(run, askedAt, this.#deps);
    const signal = AbortSignal.any([lease.lost, this.#stopping.signal]);
    let error: string | null = null;
    try {
      await entry.schedule.run({ due: run.due.getTime(), missed, signal });
    } catch (fault) {
      if (signal.aborted) return await giveRunBack(db.pool, run);
      error = messageOf(fault);
      log.error({ schedule: run.name, due: run.due, err: fault }, 'a scheduled run failed');
    } finally {
      lease.stop();
    }
    await endRun(db.pool, run, { missed, error });
    entry.done = run.due.getTime();
    // What fell due meanwhile is not made to wait.
    entry.askAt = Number.NEGATIVE_INFINITY;
  }
}

/** Keeps the lease of a run while it lasts. */
class RunLease {
  readonly #deps: SchedulesDeps;
  readonly #run: RunKey;
  readonly #lost = new AbortController();
  /** By this process's clock, and no later than by the database's. */
  #until: number;
  readonly stop: () => void;

  constructor(run: RunKey, askedAt: number, deps: SchedulesDeps) {
    this.#deps = deps;
    this.#run = run;
    this.#until = askedAt + limits.scheduleLeaseMs;
    this.stop = deps.clock.every(limits.scheduleLeaseMs / 3, () => void this.#renew());
  }

  /** Aborts when it ran out: another process may have begun the run anew. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  async #renew(): Promise<void> {
    const { db, clock, log } = this.#deps;
    const askedAt = clock.steady();
    try {
      if (await renewRun(db.pool, this.#run, limits.scheduleLeaseMs))
        this.#until = askedAt + limits.scheduleLeaseMs;
      else this.#until = Number.NEGATIVE_INFINITY;
    } catch (error) {
      log.warn({ schedule: this.#run.name, error: messageOf(error) }, "a run's lease was not renewed");
    }
    if (clock.steady() < this.#until || this.#lost.signal.aborted) return;
    log.warn({ schedule: this.#run.name }, 'the lease of a run was lost; it is cut off here');
    this.#lost.abort();
  }
}
