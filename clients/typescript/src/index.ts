export { type BackoffOptions } from './backoff.ts';
export type { CachedVoucher, CacheStore, HeldVoucher } from './cache/cache-store.ts';
export { pgCache } from './cache/pg-cache.ts';
export { sqliteCache } from './cache/sqlite-cache.ts';
export { type CacheOptions, type CacheRead, VersionedCache } from './cache/versioned-cache.ts';
export {
  answerConsistency,
  type ConsistencyEntry,
  type ConsistencyFilter,
  type ConsistencyNode,
  type ConsistencySource,
} from './consistency.ts';
export { Consumer } from './consumer/consumer.ts';
export { ConsumerError } from './consumer/consumer-error.ts';
export type { ConsumerOptions, ConsumerStats, DeliveryContext, Handler } from './consumer/options.ts';
export { recordHash, recordKey, voucherDigest, xorHashes } from './digest.ts';
export { type HubEvent, type HubVoucher, isHubEvent, type RecordRef, type SyncMode } from './event.ts';
export type { RecordVoucherInput, VoucherDirection, VoucherStatus } from './generated/operations.ts';
export { type HubAddress, HubRequestError } from './hub-request.ts';
export {
  type HandleOptions,
  Inbox,
  type InboxOptions,
  type InboxStore,
  SyncIdReused,
} from './inbox/inbox.ts';
export { pgInbox } from './inbox/pg-inbox.ts';
export { sqliteInbox } from './inbox/sqlite-inbox.ts';
export { Publisher, type PublisherStats, type RecordAnswer } from './publisher/publisher.ts';
export type { PublisherOptions, RefusedItem } from './publisher/settings.ts';
export { type JsonObject, type JsonValue, pythonJson } from './python-json.ts';
export { bodyDigest, receiptOf } from './receipt.ts';
export { Reject, type RejectOptions } from './reject.ts';
export { type PgClient, type PgPool, pgTransaction } from './sql/pg.ts';
export { pgConsistency } from './sql/pg-consistency.ts';
export {
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteValue,
  sqliteTransaction,
} from './sql/sqlite.ts';
export { sqliteConsistency } from './sql/sqlite-consistency.ts';
export type { Effect } from './sql/tables.ts';
export { fastifyWebhook } from './webhook/fastify-plugin.ts';
export { nodeHandler } from './webhook/node-handler.ts';
export { type ReceiverOptions, type WebhookAnswer, WebhookReceiver } from './webhook/receiver.ts';
export { type RequestHeaders, VerificationError, type VerifyOptions, verify } from './webhook/verify.ts';
