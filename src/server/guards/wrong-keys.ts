import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';
import { blockOf } from './connections.ts';

/** Holds what one address did of late. */
interface Trier {
  /** Wrong keys since `since`, the steady time at which the count began. */
  count: number;
  since: number;
  /** Wrong keys that no line has told of yet, and the steady time of the last line. */
  unsaid: number;
  saidAt: number;
  /** Answers that are being held back. */
  held: number;
}

/** Holds what `WrongKeys` needs. */
export interface WrongKeysDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Is told of each wrong key. */
  readonly onWrongKey: () => void;
}

/**
 * Counts wrong keys, says so once a minute for each address, and holds back their answers. Only the answer to a wrong
 * key waits: callers with a good key behind the same address notice nothing.
 */
export class WrongKeys {
  readonly #deps: WrongKeysDeps;
  readonly #triers = new LRUCache<string, Trier>({ max: limits.wrongKeyAddresses });
  #held = 0;
  #lines = 0;
  #linesSince = Number.NEGATIVE_INFINITY;

  constructor(deps: WrongKeysDeps) {
    this.#deps = deps;
  }

  /** Notes one, and waits as long as its answer shall. @returns false: too many answers wait, so close the connection */
  async slow(address: string): Promise<boolean> {
    const { clock, onWrongKey } = this.#deps;
    onWrongKey();
    const trier = this.#note(blockOf(address));
    const delayMs = Math.min(
      limits.wrongKeyDelayMs,
      Math.max(0, trier.count - limits.wrongKeysFree) * limits.wrongKeyStepMs,
    );
    if (delayMs === 0) return true;
    if (trier.held >= limits.wrongKeysHeldPerAddress || this.#held >= limits.wrongKeysHeld) return false;
    trier.held += 1;
    this.#held += 1;
    await clock.sleep(delayMs);
    trier.held -= 1;
    this.#held -= 1;
    return true;
  }

  #note(address: string): Trier {
    const now = this.#deps.clock.steady();
    const trier = this.#triers.get(address) ?? {
      count: 0,
      since: now,
      unsaid: 0,
      saidAt: Number.NEGATIVE_INFINITY,
      held: 0,
    };
    this.#triers.set(address, trier);
    if (now - trier.since >= limits.doorLogMs) Object.assign(trier, { count: 0, since: now });
    trier.count += 1;
    trier.unsaid += 1;
    this.#tell(address, trier, now);
    return trier;
  }

  #tell(address: string, trier: Trier, now: number): void {
    if (now - trier.saidAt < limits.doorLogMs) return;
    if (now - this.#linesSince >= limits.doorLogMs) {
      this.#lines = 0;
      this.#linesSince = now;
    }
    // Whoever has many addresses must not fill the log; the metric counts what no line tells.
    if (this.#lines >= limits.wrongKeyLines) return;
    this.#lines += 1;
    this.#deps.log.warn({ address, wrong_keys: trier.unsaid }, 'wrong API keys came from this address');
    trier.saidAt = now;
    trier.unsaid = 0;
  }
}
