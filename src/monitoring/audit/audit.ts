import type { Clock } from '../../core/clock.ts';
import { badInput, HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { shownValue } from '../../core/shown-value.ts';
import type { Database } from '../../db/database.ts';
import {
  compareSeals,
  countUnsealed,
  firstSealGap,
  isChain,
  isPassed,
  readSealPoint,
  type SealCheck,
  type SealGap,
  type SealRange,
  sealHashOf,
  sealNext,
} from '../../db/monitoring/audit-statements.ts';

/** The first thing that is not as it was sealed. */
export interface AuditBreak {
  /** Null: seals are gone with all that they were over; nobody knows whose they were. */
  readonly subscriptionId: string | null;
  /** Null: no seal is over these attempts. */
  readonly seal: string | null;
  readonly sealedAt: Date | null;
  /** The attempts in question have ids beyond this one, up to `lastAttemptId`. */
  readonly afterAttemptId: string;
  readonly lastAttemptId: string;
  /** For people. */
  readonly what: string;
}

/** A seal, by which what was noted elsewhere is compared. */
export interface AuditSeal {
  readonly subscriptionId: string;
  readonly number: string;
  readonly hash: string;
}

/** Holds what a page of the verification came to. */
export interface AuditPage {
  /** Seals that were compared, and attempts that are as they were sealed. */
  readonly seals: number;
  readonly attempts: number;
  /** Seals whose attempts retention has dropped: of them the chain alone was compared. */
  readonly droppedSeals: number;
  readonly firstBreak: AuditBreak | null;
  /** The last seal that was compared: note it elsewhere, and the next verification can be held against it. */
  readonly lastSeal: AuditSeal | null;
  /** Says where the next page begins; null: it was the last. */
  readonly next: string | null;
  /** Attempts that are not sealed yet, counted up to 100,000. */
  readonly unsealed: number;
}

/**
 * Seals attempts into a hash chain a subscription, some time after they were written, so that deliveries pay nothing
 * for it; and compares what is there with the seals.
 */
export class Audit {
  readonly #deps: { db: Database; clock: Clock; log: Logger };

  constructor(deps: { db: Database; clock: Clock; log: Logger }) {
    this.#deps = deps;
  }

  /**
   * Seals every attempt that is there now. Several may do it at once: one does.
   * @returns how many it sealed; what a long transaction may still add to is left for the next turn
   */
  async seal(signal?: AbortSignal): Promise<number> {
    const { db, clock, log } = this.#deps;
    const point = await readSealPoint(db.pool);
    for (let tries = 0; !(await isPassed(db.pool, point)); tries += 1) {
      if (signal?.aborted === true) return 0;
      if (tries === sealTries) {
        log.debug('attempts are not sealed: a transaction has been open for long');
        return 0;
      }
      await clock.sleep(sealTryMs, signal);
    }
    let sealed = 0;
    for (;;) {
      const count = await db.transaction(client => sealNext(client, point.id, limits.sealAttempts));
      sealed += count;
      if (count < limits.sealAttempts || signal?.aborted === true) return sealed;
    }
  }

  /** One seal as it stands now; null: there is none of this number. */
  async sealOf(subscriptionId: string, number: string): Promise<AuditSeal | null> {
    const hash = await sealHashOf(this.#deps.db.pool, subscriptionId, number);
    return hash === null ? null : { subscriptionId, number, hash };
  }

  /**
   * Compares the next seals with the attempts, up to the first break.
   * @param next a page's `next`; null: from the start
   * @throws HubError NOT_FOUND, BAD_USER_INPUT: what can't be there must not pass for whole
   */
  async verify(range: SealRange, next: string | null): Promise<AuditPage> {
    const { pool } = this.#deps.db;
    await this.#checkRange(range);
    const afterId = next ?? '0';
    const checks = await compareSeals(pool, range, { afterId, turns: limits.auditTurns });
    const isLast = new Set(checks.map(check => check.lastId)).size < limits.auditTurns;
    const upTo = isLast ? null : (checks.at(-1)?.lastId ?? null);
    const gap = await firstSealGap(pool, range, { afterId, upTo });
    const broken = checks.find(check => faultOf(check) !== null);
    const firstBreak =
      gap !== null && (broken === undefined || BigInt(gap.afterId) < BigInt(broken.lastId))
        ? gapBreak(gap)
        : breakOf(broken);
    const good =
      firstBreak === null
        ? checks
        : checks.filter(({ lastId }) => BigInt(lastId) <= BigInt(firstBreak.afterAttemptId));
    const last = good.at(-1);
    return {
      seals: good.length,
      attempts: good.reduce((sum, check) => sum + (check.dropped ? 0 : check.found), 0),
      droppedSeals: good.filter(check => check.dropped).length,
      firstBreak,
      lastSeal:
        last?.number == null || last.hash === null
          ? null
          : { subscriptionId: last.subscriptionId, number: last.number, hash: last.hash },
      next: firstBreak === null ? upTo : null,
      unsealed: await countUnsealed(pool, range.subscriptionId, limits.auditUnsealed),
    };
  }

  async #checkRange({ subscriptionId, from, to }: SealRange): Promise<void> {
    if (from !== null && to !== null && from > to) throw badInput('from', 'from: later than to.');
    if (subscriptionId !== null && !(await isChain(this.#deps.db.pool, subscriptionId)))
      throw new HubError('NOT_FOUND', `There is no subscription ${shownValue(subscriptionId)}.`);
  }
}

/** Sets how long a turn waits for transactions that are under way. */
const sealTries = 50;
const sealTryMs = 100;

/** Null: it is as it was sealed. */
function faultOf(check: SealCheck): string | null {
  if (check.number === null) return `${check.found} attempts are there that no seal is over`;
  if (!check.chained) return 'the seal was changed, or the one before it was changed or removed';
  if (check.dropped || check.intact) return null;
  if (check.found < check.sealed) return `${check.sealed - check.found} of ${check.sealed} attempts are gone`;
  if (check.found > check.sealed) return `${check.found - check.sealed} attempts were added`;
  return `an attempt of ${check.sealed} was changed`;
}

function breakOf(check: SealCheck | undefined): AuditBreak | null {
  const what = check === undefined ? null : faultOf(check);
  if (check === undefined || what === null) return null;
  const { subscriptionId, number, sealedAt, afterId, lastId } = check;
  return { subscriptionId, seal: number, sealedAt, afterAttemptId: afterId, lastAttemptId: lastId, what };
}

function gapBreak({ subscriptionId, afterId, lastId, attempts }: SealGap): AuditBreak {
  const what =
    attempts === 0
      ? 'seals were removed, and with them all that they were over'
      : `${attempts} attempts are there that no seal is over: they were added, or their seals were removed`;
  return { subscriptionId, seal: null, sealedAt: null, afterAttemptId: afterId, lastAttemptId: lastId, what };
}
