import { recordHash, xorHashes } from '@voucher-hub/client/wire';
import { limits } from '../core/limits.ts';
import type { CoveredVoucher, DateRange, TreeNode } from '../db/consistency/tree.ts';
import { CheckFailedError, type HeldRecord, TooManyDifferencesError } from './answers.ts';
import { childrenOf, recordKey } from './digests.ts';

/** Holds what the hub holds for a subscription. */
export interface HubSide {
  /** The nodes of prefixes, by prefix. */
  nodes(prefixes: readonly string[]): Promise<Map<string, TreeNode>>;
  /** The vouchers under prefixes. */
  vouchers(prefixes: readonly string[]): Promise<CoveredVoucher[]>;
}

/** Holds what the consumer says that it holds. */
export interface ConsumerSide {
  nodes(prefixes: readonly string[], filter: DateRange): Promise<Map<string, TreeNode>>;
  entries(prefixes: readonly string[], filter: DateRange): Promise<HeldRecord[]>;
}

/** A record that may differ: what each side has of it. */
export interface Candidate {
  readonly key: string;
  readonly hub: CoveredVoucher | null;
  readonly consumer: HeldRecord | null;
}

/** Holds what a walk found. */
export interface Walk {
  /** Records that the hub holds. */
  readonly checked: number;
  readonly candidates: Candidate[];
}

/** Digits of a prefix beyond which nobody can hold several records: keys are SHA-256. */
const deepest = 16;
/** Says how far the parts of a busy consumer's node may differ from the node, which was asked for a moment before. */
const slack = (count: number) => 1_000 + count / 4;

/**
 * Goes down both trees where they differ, and lists both sides where few records are left. What it finds are
 * candidates: what is on its way at that moment differs too.
 * @throws CheckFailedError where the consumer contradicts itself, or more differs than a check takes
 */
export async function walk(hub: HubSide, consumer: ConsumerSide, filter: DateRange): Promise<Walk> {
  const found = new Finder(hub, consumer, filter);
  let open = [{ prefix: '', count: Number.POSITIVE_INFINITY }];
  let checked: number | undefined;
  while (open.length > 0) {
    const level = await found.level(open);
    checked ??= level.hubCount;
    open = level.open;
  }
  return { checked: checked ?? 0, candidates: found.candidates };
}

/** A node of the consumer's that differs from the hub's. */
interface Open {
  readonly prefix: string;
  /** Holds what the consumer says that it holds. */
  readonly count: number;
}

class Finder {
  readonly candidates: Candidate[] = [];
  readonly #hub: HubSide;
  readonly #consumer: ConsumerSide;
  readonly #filter: DateRange;

  constructor(hub: HubSide, consumer: ConsumerSide, filter: DateRange) {
    this.#hub = hub;
    this.#consumer = consumer;
    this.#filter = filter;
  }

  /** Looks at the parts of differing nodes; gives those that differ and hold too much to be listed. */
  async level(parents: readonly Open[]): Promise<{ hubCount: number; open: Open[] }> {
    const open: Open[] = [];
    let hubCount = 0;
    const parts = Math.floor(limits.consistencyPrefixes / 16);
    for (let at = 0; at < parents.length; at += parts) {
      const some = parents.slice(at, at + parts);
      const prefixes = some.flatMap(({ prefix }) => childrenOf(prefix));
      const [ours, theirs] = await Promise.all([
        this.#hub.nodes(prefixes),
        this.#consumer.nodes(prefixes, this.#filter),
      ]);
      for (const parent of some) checkParts(parent, theirs);
      for (const { count } of ours.values()) hubCount += count;
      open.push(...(await this.#settle(differing(prefixes, ours, theirs))));
    }
    return { hubCount, open };
  }

  /** Lists what is small enough; gives the rest. */
  async #settle(nodes: readonly Differing[]): Promise<Open[]> {
    const open: Open[] = [];
    const listed: TreeNode[] = [];
    for (const { ours, theirs } of nodes) {
      const few = theirs.count <= (ours.count === 0 ? limits.consistencyEntries : limits.consistencyListed);
      if (few) listed.push(theirs);
      else if (theirs.prefix.length >= deepest)
        throw new CheckFailedError(
          `The consumer says that it holds ${theirs.count} records under ${theirs.prefix}, which can't be.`,
        );
      else open.push(theirs);
    }
    for (const some of inChunks(listed)) await this.#list(some);
    return open;
  }

  async #list(nodes: readonly TreeNode[]): Promise<void> {
    const prefixes = nodes.map(({ prefix }) => prefix);
    const theirs = await this.#entriesOf(nodes);
    const ours = await this.#hub.vouchers(prefixes);
    const byKey = new Map(theirs.map(record => [record.key, record]));
    for (const voucher of ours) {
      const key = recordKey(voucher);
      const held = byKey.get(key) ?? null;
      byKey.delete(key);
      if (held?.sourceVersion !== voucher.sourceVersion || held.digest !== voucher.digest)
        this.candidates.push({ key, hub: voucher, consumer: held });
    }
    for (const held of byKey.values()) this.candidates.push({ key: held.key, hub: null, consumer: held });
    if (this.candidates.length > limits.consistencyDifferences)
      throw new TooManyDifferencesError(
        this.candidates.length,
        this.candidates.filter(({ hub }) => hub === null).length,
      );
  }

  /** Gives what the consumer lists, once it is what its digests say: it may have changed in between. */
  async #entriesOf(nodes: readonly TreeNode[]): Promise<HeldRecord[]> {
    const sure: HeldRecord[] = [];
    let unsure = nodes.filter(({ count }) => count > 0);
    for (let tries = 1; unsure.length > 0; tries += 1) {
      const prefixes = unsure.map(({ prefix }) => prefix);
      const records = await this.#consumer.entries(prefixes, this.#filter);
      // The prefixes of a level are of one length.
      const digits = unsure[0]?.prefix.length ?? 0;
      const byPrefix = Map.groupBy(records, ({ key }) => key.slice(0, digits));
      const wrong = unsure.filter(node => !isSumOf(node, byPrefix.get(node.prefix) ?? []));
      const [first] = wrong;
      if (first !== undefined && tries >= limits.consistencyTries)
        throw contradiction(first, byPrefix.get(first.prefix) ?? []);
      const wrongPrefixes = new Set(wrong.map(({ prefix }) => prefix));
      for (const [prefix, some] of byPrefix) if (!wrongPrefixes.has(prefix)) sure.push(...some);
      if (first === undefined) break;
      const again = await this.#consumer.nodes([...wrongPrefixes], this.#filter);
      unsure = [...again.values()].filter(({ count }) => count > 0);
      const grown = unsure.find(({ count }) => count > limits.consistencyEntries);
      if (grown !== undefined) throw contradiction(grown, []);
    }
    return sure;
  }
}

interface Differing {
  readonly ours: TreeNode;
  readonly theirs: TreeNode;
}

function differing(
  prefixes: readonly string[],
  ours: ReadonlyMap<string, TreeNode>,
  theirs: ReadonlyMap<string, TreeNode>,
): Differing[] {
  return prefixes.flatMap(prefix => {
    const pair = {
      ours: ours.get(prefix) ?? emptyNode(prefix),
      theirs: theirs.get(prefix) ?? emptyNode(prefix),
    };
    const same = pair.ours.count === pair.theirs.count && pair.ours.digest === pair.theirs.digest;
    return same ? [] : [pair];
  });
}

/** The node of a prefix that holds nothing. */
export function emptyNode(prefix: string): TreeNode {
  return { prefix, count: 0, digest: '0000000000000000' };
}

/** Parts must be what the whole was said to be, but for what changed in between: else a walk has no end. */
function checkParts(parent: Open, theirs: ReadonlyMap<string, TreeNode>): void {
  let sum = 0;
  for (const prefix of childrenOf(parent.prefix)) sum += theirs.get(prefix)?.count ?? 0;
  if (parent.count === Number.POSITIVE_INFINITY || Math.abs(sum - parent.count) <= slack(parent.count))
    return;
  throw new CheckFailedError(
    `The consumer says that it holds ${parent.count} records under ${parent.prefix}, and ${sum} under its sixteen parts.`,
  );
}

/** Questions that ask for no more records than one may, by what the consumer says that it holds. */
function* inChunks(nodes: readonly TreeNode[]): Generator<TreeNode[]> {
  let chunk: TreeNode[] = [];
  let count = 0;
  for (const node of nodes) {
    if (chunk.length > 0 && (count + node.count > limits.consistencyEntries || chunk.length >= 1_000)) {
      yield chunk;
      chunk = [];
      count = 0;
    }
    chunk.push(node);
    count += node.count;
  }
  if (chunk.length > 0) yield chunk;
}

function isSumOf(node: TreeNode, records: readonly HeldRecord[]): boolean {
  if (node.count !== records.length) return false;
  return (
    node.digest ===
    xorHashes(records.map(({ key, sourceVersion, digest }) => recordHash(key, sourceVersion, digest)))
  );
}

function contradiction(node: TreeNode, records: readonly HeldRecord[]): CheckFailedError {
  return new CheckFailedError(
    node.count === records.length
      ? `The consumer's digest of prefix ${node.prefix} is not that of the ${node.count} records that it lists there: what it keeps for the digests is out of step with its records.`
      : `The consumer says that it holds ${node.count} records under ${node.prefix}, and lists ${records.length}.`,
  );
}
