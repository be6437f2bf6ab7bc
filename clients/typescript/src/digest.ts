import { createHash } from 'node:crypto';
import type { HubVoucher, RecordRef } from './event.ts';
import { type JsonObject, pythonJson } from './python-json.ts';

/**
 * The digest of a voucher's content, hex SHA-256: computed again from what is held, it equals `voucher.digest` as long
 * as the two are the same. Only of the whole business data: what a `payloadQuery` has shaped has another.
 * @throws {TypeError} where the content is not JSON
 */
export function voucherDigest(data: JsonObject, voucher: HubVoucher): string {
  const { digest: _digest, voucher_no: _no, status: _status, ...content } = voucher;
  return sha256(pythonJson({ data, voucher: content }));
}

/** `k`: where a source record stands in the consistency protocol. 64 hex digits. */
export function recordKey(ref: RecordRef): string {
  return sha256(`${ref.source_system}\n${ref.source_module}\n${ref.source_id}`);
}

/** `h`: what a record adds to the digest of every prefix of its key. 16 hex digits. */
export function recordHash(key: string, sourceVersion: number, digest: string): string {
  return sha256(`${key}:${sourceVersion}:${digest}`).slice(0, 16);
}

/** The XOR of hashes of 16 hex digits; of none: zeros. */
export function xorHashes(hashes: Iterable<string>): string {
  let sum = 0n;
  for (const hash of hashes) sum ^= BigInt(`0x${hash}`);
  return sum.toString(16).padStart(16, '0');
}

/** The 64 bits of a hash as a signed integer: the form in which the SQL columns hold it. */
export function signedHash(hash: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${hash}`));
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
