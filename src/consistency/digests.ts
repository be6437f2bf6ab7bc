import { createHash } from 'node:crypto';

/** Names one source record. */
export interface RecordName {
  readonly sourceSystem: string;
  readonly sourceModule: string;
  readonly sourceId: string;
}

/** `k` of the consistency protocol: where a record stands in the tree. 64 hex digits. */
export function recordKey({ sourceSystem, sourceModule, sourceId }: RecordName): string {
  return sha256(`${sourceSystem}\n${sourceModule}\n${sourceId}`);
}

/** `h` of the consistency protocol: what a record adds to each prefix of its key. 16 hex digits. */
export function recordHash(key: string, sourceVersion: number, digest: string): string {
  return sha256(`${key}:${sourceVersion}:${digest}`).slice(0, 16);
}

/** The XOR of hashes of 16 hex digits; of none: zeros. */
export function xorHashes(hashes: Iterable<string>): string {
  let sum = 0n;
  for (const hash of hashes) sum ^= BigInt(`0x${hash}`);
  return sum.toString(16).padStart(16, '0');
}

/** The sixteen prefixes one digit longer. */
export function childrenOf(prefix: string): string[] {
  return Array.from('0123456789abcdef', digit => prefix + digit);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
