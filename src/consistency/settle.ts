import type { Pool } from 'pg';
import { limits } from '../core/limits.ts';
import { readStandings, type SuspectStanding } from '../db/consistency/suspect-statements.ts';
import type { DateRange } from '../db/consistency/tree.ts';
import type { Coverage } from '../db/reading/coverage.ts';
import type { HeldRecord } from './answers.ts';
import type { Candidate } from './compare.ts';
import type { Conversation } from './conversation.ts';
import { type RecordName, recordKey } from './digests.ts';
import { type Difference, judge } from './judge.ts';

/** Sets how often a record that keeps moving is asked for; then it counts as on its way. */
const maxRounds = 3;
/** A recording's time is that of its transaction's beginning, which may be so much earlier than its commit, milliseconds. */
const marginMs = 5_000;
/** Digits by which one record is asked for: no two records share them. */
const recordDigits = 16;
const noFilter: DateRange = { from: null, to: null };

/** Says whose records are judged. */
export type CheckedSubscription = Coverage & { readonly id: string };

/** A record, and what the consumer said that it holds of it. */
interface HeldRecords {
  readonly name: RecordName;
  readonly consumer: HeldRecord | null;
}

/** Records by what came of judging them. */
interface Judged {
  readonly differences: Difference[];
  readonly agreed: RecordName[];
  readonly unsure: RecordName[];
}

/** When the two sides were compared. */
export interface Compared {
  /** Since when, by the database's clock, milliseconds since 1970. */
  readonly sinceMs: number;
  /** True when it was bounded by dates: a record that was not listed may be held with another date. */
  readonly byDates: boolean;
}

/**
 * Judges records by what holds now: what moved while the two sides were compared is asked for again, and what is on
 * its way is left out.
 */
export class Settlement {
  readonly #pool: Pool;
  readonly #subscription: CheckedSubscription;
  readonly #consumer: Conversation;

  constructor(pool: Pool, subscription: CheckedSubscription, consumer: Conversation) {
    this.#pool = pool;
    this.#subscription = subscription;
    this.#consumer = consumer;
  }

  /** The differences among candidates. @throws CheckFailedError */
  async judge(candidates: readonly Candidate[], compared: Compared): Promise<Difference[]> {
    const found: Difference[] = [];
    for (const page of pages(candidates)) {
      const held = page.flatMap(({ hub, consumer }) => {
        const name = hub ?? consumer;
        return name === null ? [] : [{ name, consumer }];
      });
      const { differences, unsure } = await this.#judge(held, (standing, { consumer }) =>
        mayHaveMoved(standing, compared, consumer),
      );
      found.push(...differences, ...(await this.ask(unsure)).differences);
    }
    return found;
  }

  /**
   * Asks for records anew: which differ, and which agree. What is on its way or keeps moving is neither.
   * @throws CheckFailedError
   */
  async ask(names: readonly RecordName[]): Promise<Omit<Judged, 'unsure'>> {
    const found: Omit<Judged, 'unsure'> = { differences: [], agreed: [] };
    for (const page of pages(names)) {
      let open: readonly RecordName[] = page;
      for (let round = 1; open.length > 0 && round <= maxRounds; round += 1) {
        if (round > 1) await this.#consumer.pause(limits.consistencyPauseMs);
        const before = await this.#standings(open.map(name => ({ name, consumer: null })));
        const held = await this.#held(open);
        const now = await this.#judge(held, (after, _held, n) => !isSame(before[n], after));
        found.differences.push(...now.differences);
        found.agreed.push(...now.agreed);
        open = now.unsure;
      }
    }
    return found;
  }

  /** Judges what does not move; what differs and may have moved is unsure. */
  async #judge(
    held: readonly HeldRecords[],
    moves: (standing: SuspectStanding, held: HeldRecords, n: number) => boolean,
  ): Promise<Judged> {
    const standings = await this.#standings(held);
    const judged: Judged = { differences: [], agreed: [], unsure: [] };
    for (const [n, one] of held.entries()) {
      const standing = standings[n];
      if (standing === undefined || standing.underWay) continue;
      const difference = judge(one.name, one.consumer, standing);
      if (difference === null) judged.agreed.push(one.name);
      else if (moves(standing, one, n)) judged.unsure.push(one.name);
      else judged.differences.push(difference);
    }
    return judged;
  }

  #standings(held: readonly HeldRecords[]): Promise<SuspectStanding[]> {
    const suspects = held.map(({ name, consumer }) => ({
      sourceSystem: name.sourceSystem,
      sourceModule: name.sourceModule,
      sourceId: name.sourceId,
      actualVersion: consumer?.sourceVersion ?? null,
      actualDigest: consumer?.digest ?? null,
    }));
    return readStandings(this.#pool, this.#subscription, suspects);
  }

  /** Gives what the consumer holds of records, whatever their dates. */
  async #held(names: readonly RecordName[]): Promise<HeldRecords[]> {
    const keyed = names.map(name => ({ name, key: recordKey(name) }));
    const prefixes = [...new Set(keyed.map(({ key }) => key.slice(0, recordDigits)))];
    const listed = await this.#consumer.entries(prefixes, noFilter);
    const byKey = new Map(listed.map(record => [record.key, record]));
    return keyed.map(({ name, key }) => ({ name, consumer: byKey.get(key) ?? null }));
  }
}

function mayHaveMoved(
  standing: SuspectStanding,
  { sinceMs, byDates }: Compared,
  consumer: HeldRecord | null,
): boolean {
  const earliest = sinceMs - marginMs;
  return (
    (standing.updatedAtMs ?? 0) >= earliest ||
    (standing.settledAtMs ?? 0) >= earliest ||
    (byDates && consumer === null)
  );
}

/** Nothing of a record moved between two looks at it. */
function isSame(before: SuspectStanding | undefined, after: SuspectStanding): boolean {
  return (
    before !== undefined &&
    !before.underWay &&
    before.sourceVersion === after.sourceVersion &&
    before.digest === after.digest &&
    before.covered === after.covered &&
    before.settledAtMs === after.settledAtMs
  );
}

function* pages<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += limits.consistencyPage)
    yield items.slice(at, at + limits.consistencyPage);
}
