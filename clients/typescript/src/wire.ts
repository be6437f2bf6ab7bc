/*
 * The wire forms that the hub and its consumers share: what is signed, digested and compared. It loads no socket and
 * no database, so the hub imports this entry alone.
 */
export { recordHash, recordKey, xorHashes } from './digest.ts';
export { voucherOfGraphql } from './event.ts';
export { pythonJson, pythonString } from './python-json.ts';
export { receiptOf } from './receipt.ts';
export { standardKey } from './webhook/standard-key.ts';
