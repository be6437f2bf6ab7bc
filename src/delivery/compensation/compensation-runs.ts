import { randomUUID } from 'node:crypto';
import { HubError, messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import type { CompensationKind } from '../../core/model.ts';
import {
  advanceRun,
  failRun,
  type HeldRun,
  insertRun,
  leaveRun,
  type RunCriteria,
  takeAbandonedRun,
} from '../../db/compensation/run-statements.ts';
import type { SyncPosition, WalkStep } from '../../db/compensation/walk-statements.ts';
import type { Database } from '../../db/database.ts';
import type { ChangeListener } from '../reading/sync-changes.ts';

/** Does the part of a run that begins at its position, within `within`: a transaction that also notes how far it is. */
export type RunWork = (
  run: HeldRun,
  within: (work: (client: RunClient) => Promise<WalkStep>) => Promise<WalkStep>,
) => Promise<WalkStep>;

type RunClient = Parameters<Parameters<Database['transaction']>[0]>[0];

/** Holds what drives runs. */
export interface RunsDeps {
  readonly db: Database;
  readonly drains: { wake(shards: Iterable<string>): void };
  readonly changes: ChangeListener;
  readonly log: Logger;
}

/**
 * Drives compensations by hand, part by part: each is a short transaction that also notes how far the run is, so that it
 * is seen and loses nothing when its process ends; another one then goes on with it.
 */
export class CompensationRuns {
  readonly #deps: RunsDeps;
  readonly #work: RunWork;
  readonly #driven = new Set<Promise<number>>();
  #stopping = false;

  constructor(deps: RunsDeps, work: RunWork) {
    this.#deps = deps;
    this.#work = work;
  }

  /**
   * Runs from the beginning to the end, also where nobody waits for it any more. @returns how many were changed @throws
   * HubError LIMIT_EXCEEDED
   */
  async run(run: {
    kind: CompensationKind;
    targetSystem: string | null;
    criteria: RunCriteria;
    position: SyncPosition;
    total: number;
  }): Promise<number> {
    const begun = await insertRun(
      this.#deps.db.pool,
      { ...run, holder: randomUUID() },
      {
        leaseMs: limits.compensationLeaseMs,
        atOnce: limits.compensationsAtOnce,
        kept: limits.compensationsKept,
      },
    );
    if (begun === undefined)
      throw new HubError(
        'LIMIT_EXCEEDED',
        `${limits.compensationsAtOnce} compensations are running, which is the most at once; compensationRuns shows them.`,
      );
    return this.#drive(begun);
  }

  /** Goes on with what processes that ended have left. */
  async resume(): Promise<void> {
    const { db, log } = this.#deps;
    while (!this.#stopping) {
      const run = await takeAbandonedRun(db.pool, randomUUID(), limits.compensationLeaseMs);
      if (run === undefined) return;
      log.info({ run: run.id, kind: run.kind }, 'a compensation that was cut off goes on');
      // Why it failed stands in its row; the others go on.
      await this.#drive(run).catch((error: unknown) =>
        log.error({ run: run.id, err: error }, 'a compensation failed'),
      );
    }
  }

  /** Begins no further part: what is left is another process's. Resolves when no part is under way. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.allSettled(this.#driven);
  }

  #drive(run: HeldRun): Promise<number> {
    const driven = this.#toEnd(run).finally(() => this.#driven.delete(driven));
    this.#driven.add(driven);
    return driven;
  }

  async #toEnd(begun: HeldRun): Promise<number> {
    const { db, drains, changes } = this.#deps;
    let run = begun;
    try {
      for (;;) {
        if (this.#stopping) await this.#leave(run);
        const step = await this.#work(run, work => this.#within(run, work));
        drains.wake(step.shards);
        changes.note(step.ids);
        const { position } = step;
        const count = run.count + step.count;
        if (position === null) return count;
        run = { ...run, position, count };
      }
    } catch (error) {
      if (!isHandedOver(error)) await failRun(db.pool, run, messageOf(error)).catch(() => {});
      throw error;
    }
  }

  async #within(run: HeldRun, work: (client: RunClient) => Promise<WalkStep>): Promise<WalkStep> {
    return this.#deps.db.transaction(async client => {
      const step = await work(client);
      const done = step.position === null;
      if (!(await advanceRun(client, run, { ...step, done }, limits.compensationLeaseMs)))
        throw new HubError('UNAVAILABLE', `Another process goes on with compensation ${run.id}.`);
      return step;
    });
  }

  async #leave(run: HeldRun): Promise<never> {
    await leaveRun(this.#deps.db.pool, run);
    throw new HubError(
      'SHUTTING_DOWN',
      `This process is stopping; another one goes on with compensation ${run.id} (compensationRuns).`,
    );
  }
}

/** Tells whether another process goes on with the run. */
function isHandedOver(error: unknown): boolean {
  return error instanceof HubError && (error.code === 'SHUTTING_DOWN' || error.code === 'UNAVAILABLE');
}
