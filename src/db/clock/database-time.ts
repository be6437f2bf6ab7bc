import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Pool } from 'pg';
import type { Clock } from '../../core/clock.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { deleteClock, readDatabaseTime, writeClock } from './clock-statements.ts';

/** Holds what the database's clock said, and what this process's two clocks said at that moment. */
interface ClockReading {
  readonly database: number;
  readonly steady: number;
  readonly wall: number;
}

/**
 * Time by the database's clock, for what others hold against their own: the timestamps of signatures. It is read once a
 * minute and carried on by the clock that is never set, so it holds though this machine's clock is off, or is set in between.
 * How far that one is off stands in the database while it is: an alert tells of it.
 */
export class DatabaseTime {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #node = randomUUID();
  #pool: Pool | undefined;
  #reading: ClockReading | undefined;
  #asking: Promise<void> | undefined;
  #isTold = false;

  constructor({ clock, log }: { clock: Clock; log: Logger }) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Reads the database's clock, and again every minute until what it gives is disposed of. */
  async start(pool: Pool): Promise<Disposable> {
    this.#pool = pool;
    await this.measure();
    const stop = this.#clock.every(limits.clockEveryMs, () => void this.measure());
    return {
      [Symbol.dispose]: () => {
        stop();
        this.#pool = undefined;
      },
    };
  }

  /** Whole milliseconds since 1970; by this process's clock until the database's was read. */
  now(): number {
    const reading = this.#reading;
    const wall = this.#clock.now();
    if (reading === undefined) return wall;
    const passed = this.#clock.steady() - reading.steady;
    // The clock was set, or the machine slept, through which the steady one may have stood still.
    if (Math.abs(wall - reading.wall - passed) > limits.clockJumpMs) void this.measure();
    return Math.round(reading.database + passed);
  }

  /** Compares the clocks. Never rejects: without the database the last reading goes on. */
  measure(): Promise<void> {
    const pool = this.#pool;
    if (pool === undefined) return Promise.resolve();
    this.#asking ??= this.#measure(pool)
      .catch((error: unknown) =>
        this.#log.debug({ code: errorCodeOf(error) }, "the database's clock could not be read"),
      )
      .finally(() => {
        this.#asking = undefined;
      });
    return this.#asking;
  }

  async #measure(pool: Pool): Promise<void> {
    const [wall, steady] = [this.#clock.now(), this.#clock.steady()];
    const database = await readDatabaseTime(pool);
    const tookMs = this.#clock.steady() - steady;
    // An answer that took long tells little; the next one will not.
    if (tookMs > limits.clockAnswerMs) return;
    this.#reading = { database, steady: steady + tookMs / 2, wall: wall + tookMs / 2 };
    await this.#tell(pool, wall + tookMs / 2 - database);
  }

  /** A process that keeps time writes nothing. */
  async #tell(pool: Pool, aheadMs: number): Promise<void> {
    const isOff = Math.abs(aheadMs) > limits.clockJumpMs;
    if (isOff) await writeClock(pool, { node: this.#node, host: hostname(), aheadMs });
    else if (this.#isTold) await deleteClock(pool, this.#node);
    if (isOff && !this.#isTold)
      this.#log.warn(
        { ahead_ms: Math.round(aheadMs) },
        "this machine's clock is not the database's: signatures go by the database's",
      );
    this.#isTold = isOff;
  }
}
