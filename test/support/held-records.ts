import { createHash } from 'node:crypto';
import { recordHash } from '@voucher-hub/client/wire';
import { type HeldRecord, readEntries } from '../../src/consistency/answers.ts';
import type { ConsistencyChannel, Question, Reply } from '../../src/consistency/conversation.ts';
import { recordKey } from '../../src/consistency/digests.ts';
import type { TreeNode } from '../../src/db/consistency/tree.ts';

/** A record that somebody holds, with its place in the tree. */
export interface Held extends HeldRecord {
  readonly hash: bigint;
}

/** A record of a system `bench`. */
export function heldRecord(sourceId: string, sourceVersion: number, content = sourceId): Held {
  const name = { sourceSystem: 'bench', sourceModule: 'invoice', sourceId };
  const key = recordKey(name);
  const digest = createHash('sha256').update(content).digest('hex');
  return { ...name, key, sourceVersion, digest, hash: BigInt(`0x${recordHash(key, sourceVersion, digest)}`) };
}

/** Records in memory, with sums that make any node two look-ups. */
export class HeldRecords {
  readonly #sorted: readonly Held[];
  readonly #sums: BigUint64Array;

  constructor(records: Iterable<Held>) {
    this.#sorted = [...records].sort((a, b) => (a.key < b.key ? -1 : 1));
    this.#sums = new BigUint64Array(this.#sorted.length + 1);
    for (const [n, { hash }] of this.#sorted.entries()) this.#sums[n + 1] = (this.#sums[n] ?? 0n) ^ hash;
  }

  get size(): number {
    return this.#sorted.length;
  }

  node(prefix: string): TreeNode {
    const [from, to] = this.#range(prefix);
    const digest = (this.#sums[from] ?? 0n) ^ (this.#sums[to] ?? 0n);
    return { prefix, count: to - from, digest: digest.toString(16).padStart(16, '0') };
  }

  under(prefix: string): readonly Held[] {
    return this.#sorted.slice(...this.#range(prefix));
  }

  #range(prefix: string): [number, number] {
    return [this.#firstFrom(prefix), this.#firstFrom(`${prefix}g`)];
  }

  #firstFrom(key: string): number {
    let [low, high] = [0, this.#sorted.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle]?.key ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** A consumer that answers from memory, in the bytes of the protocol. */
export function channelTo(held: () => HeldRecords): ConsistencyChannel {
  return {
    async ask({ event, filter, prefixes }: Question): Promise<Reply> {
      const answer =
        event === 'consistency.digest'
          ? { nodes: prefixes.map(prefix => held().node(prefix)) }
          : { entries: prefixes.flatMap(prefix => held().under(prefix).map(toEntry)) };
      const text = JSON.stringify(answer);
      const asked = JSON.stringify({ event, filter, prefixes });
      return { answer: JSON.parse(text), bytes: asked.length + Buffer.byteLength(text) };
    },
  };
}

/** Bytes of a list of all of them. */
export function listedBytes(held: HeldRecords): number {
  const entries = held.under('').map(toEntry);
  readEntries({ entries: entries.slice(0, 1) }, ['']);
  return Buffer.byteLength(JSON.stringify({ entries }));
}

function toEntry({ sourceSystem, sourceModule, sourceId, sourceVersion, digest }: Held): object {
  return {
    source_system: sourceSystem,
    source_module: sourceModule,
    source_id: sourceId,
    source_version: sourceVersion,
    digest,
  };
}
