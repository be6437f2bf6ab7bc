import { defineEntity, type InferEntity, p } from '@mikro-orm/core';
import type {
  CheckState,
  DifferenceKind,
  JsonObject,
  Role,
  SubscriptionState,
  SyncMode,
  SyncStatus,
  TransportKind,
  VoucherDirection,
  VoucherStatus,
} from '../core/model.ts';
import { versionNumber } from './version-columns.ts';

/** A version as a number, from its two columns. */
const wideColumn = (column: string) => (_: unknown, table: { toString(): string }) =>
  versionNumber(table.toString(), column);

/** The catalogue of what can happen. */
export const EventTypeEntity = defineEntity({
  name: 'EventType',
  tableName: 'event_types',
  properties: {
    name: p.string().primary(),
    description: p.string().nullable(),
    mode: p.string().$type<SyncMode>(),
    schema: p.json<JsonObject>().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});

/** Keys of callers; only a hash of the secret is kept. */
export const ApiKeyEntity = defineEntity({
  name: 'ApiKey',
  tableName: 'api_keys',
  properties: {
    id: p.bigint('string').primary(),
    name: p.string(),
    role: p.string().$type<Role>(),
    system: p.string().nullable(),
    keyHash: p.string().hidden(),
    createdAt: p.datetime(),
    lastUsedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
});

/** Says who wants what, and how it gets there. */
export const SubscriptionEntity = defineEntity({
  name: 'DataSubscription',
  tableName: 'data_subscriptions',
  properties: {
    id: p.bigint('string').primary(),
    name: p.string(),
    targetSystem: p.string(),
    eventTypes: p.array(),
    sourceSystems: p.array().nullable(),
    companyIds: p.array().nullable(),
    mode: p.string().$type<SyncMode>().nullable(),
    batchCron: p.string().nullable(),
    state: p.string().$type<SubscriptionState>(),
    webhookUrl: p.string().nullable(),
    consistencyUrl: p.string().nullable(),
    autoFix: p.boolean(),
    batchSize: p.integer(),
    batchMaxBytes: p.integer(),
    maxInFlight: p.integer(),
    shards: p.integer().fieldName('lanes'),
    rateLimitPerSecond: p.integer().nullable(),
    timeoutMs: p.integer(),
    ackTimeoutMs: p.integer(),
    maxRetries: p.integer(),
    baseDelayMs: p.integer(),
    maxDelayMs: p.integer(),
    payloadQuery: p.string().nullable(),
    jitter: p.float(),
    secret: p.string().hidden(),
    nextSecret: p.string().hidden().nullable(),
    nextSecretAt: p.datetime().nullable(),
    lastSuccessAt: p.datetime().nullable(),
    heldUntil: p.datetime().nullable(),
    version: p.bigint('string'),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    deletedAt: p.datetime().nullable(),
  },
});

/** The current state of each source record. */
export const VoucherEntity = defineEntity({
  name: 'Voucher',
  tableName: 'fin_business_vouchers',
  properties: {
    id: p.bigint('string').primary(),
    voucherNo: p.string(),
    voucherDate: p.date(),
    sourceSystem: p.string(),
    sourceModule: p.string(),
    sourceType: p.string(),
    sourceId: p.string(),
    sourceReferenceNo: p.string().nullable(),
    sourceVersion: p.float().formula(wideColumn('source_version')),
    eventType: p.string(),
    companyId: p.string().nullable(),
    counterpartyType: p.string().nullable(),
    counterpartyId: p.string().nullable(),
    counterpartyName: p.string().nullable(),
    direction: p.string().$type<VoucherDirection>(),
    amount: p.decimal('string'),
    currency: p.string(),
    summary: p.string().nullable(),
    businessData: p.json<JsonObject>(),
    status: p.string().$type<VoucherStatus>(),
    digest: p.string(),
    createdBy: p.string().nullable(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});

/** Each version of each source record, immutable. */
export const VoucherEventEntity = defineEntity({
  name: 'VoucherEvent',
  tableName: 'fin_voucher_events',
  properties: {
    id: p.bigint('string').primary(),
    eventType: p.string(),
    voucherId: p.bigint('string'),
    sourceVersion: p.float().formula(wideColumn('source_version')),
    sourceSystem: p.string(),
    digest: p.string(),
    data: p.json<JsonObject>(),
    occurredAt: p.datetime(),
    recordedAt: p.datetime(),
  },
});

/** Each event on its way to each subscription. */
export const SyncLogEntity = defineEntity({
  name: 'SyncLog',
  tableName: 'fin_data_sync_logs',
  properties: {
    id: p.bigint('string').primary(),
    eventId: p.bigint('string'),
    voucherId: p.bigint('string'),
    subscriptionId: p.bigint('string'),
    eventType: p.string(),
    sourceSystem: p.string(),
    mode: p.string().$type<SyncMode>(),
    status: p.string().$type<SyncStatus>(),
    transport: p.string().$type<TransportKind>().nullable(),
    retryCount: p.integer(),
    attemptCount: p.integer(),
    nextAttemptAt: p.datetime().nullable(),
    errorCode: p.string().nullable(),
    errorMessage: p.string().nullable(),
    createdAt: p.datetime(),
    syncStartedAt: p.datetime().nullable(),
    syncCompletedAt: p.datetime().nullable(),
    traceId: p.string().nullable(),
  },
});

/** Each attempt of each sync, append only. */
export const SyncAttemptEntity = defineEntity({
  name: 'SyncAttempt',
  tableName: 'fin_data_sync_attempts',
  properties: {
    syncId: p.bigint('string').primary(),
    number: p.integer().primary(),
    transport: p.string().$type<TransportKind>(),
    startedAt: p.datetime(),
    durationMs: p.integer(),
    statusCode: p.integer().nullable(),
    errorCode: p.string().nullable(),
    errorMessage: p.string().nullable(),
    responseExcerpt: p.string().nullable(),
    digest: p.blob().fieldName('body_digest').nullable(),
    receipt: p.string().nullable(),
    receiptValid: p.boolean().nullable(),
  },
});

/** Each comparison of what a consumer holds with what it should hold. */
export const ConsistencyReportEntity = defineEntity({
  name: 'ConsistencyReport',
  tableName: 'consistency_reports',
  properties: {
    id: p.bigint('string').primary(),
    subscriptionId: p.bigint('string'),
    state: p.string().$type<CheckState>(),
    from: p.date().fieldName('date_from').nullable(),
    to: p.date().fieldName('date_to').nullable(),
    autoFix: p.boolean(),
    checked: p.integer(),
    requests: p.integer(),
    bytesExchanged: p.integer(),
    differenceCount: p.integer(),
    repairedCount: p.integer(),
    errorMessage: p.string().nullable(),
    startedAt: p.datetime(),
    completedAt: p.datetime().nullable(),
  },
});

/** Each record that a check found to differ. */
export const ConsistencyDifferenceEntity = defineEntity({
  name: 'ConsistencyDifference',
  tableName: 'consistency_differences',
  properties: {
    reportId: p.bigint('string').primary(),
    n: p.integer().primary(),
    kind: p.string().$type<DifferenceKind>(),
    sourceSystem: p.string(),
    sourceModule: p.string(),
    sourceId: p.string(),
    voucherId: p.bigint('string').nullable(),
    expectedVersion: p.float().formula(wideColumn('expected_version')).nullable(),
    expectedDigest: p.string().nullable(),
    actualVersion: p.float().formula(wideColumn('actual_version')).nullable(),
    actualDigest: p.string().nullable(),
    repaired: p.boolean(),
  },
});

export type EventTypeRow = InferEntity<typeof EventTypeEntity>;
export type ApiKeyRow = InferEntity<typeof ApiKeyEntity>;
export type SubscriptionRow = InferEntity<typeof SubscriptionEntity>;
export type VoucherRow = InferEntity<typeof VoucherEntity>;
export type VoucherEventRow = InferEntity<typeof VoucherEventEntity>;
/** A voucher, or an event, without its business data: that may be a megabyte, and is read where it is asked for. */
export type LightVoucherRow = Without<VoucherRow, 'businessData'>;
export type LightEventRow = Without<VoucherEventRow, 'data'>;
type Without<Row, Column extends keyof Row> = Pick<Row, Exclude<keyof Row & string, Column>>;
export type SyncLogRow = InferEntity<typeof SyncLogEntity>;
export type SyncAttemptRow = InferEntity<typeof SyncAttemptEntity>;
export type ConsistencyReportRow = InferEntity<typeof ConsistencyReportEntity>;
export type ConsistencyDifferenceRow = InferEntity<typeof ConsistencyDifferenceEntity>;

/** All tables that the ORM knows. */
export const entities = [
  EventTypeEntity,
  ApiKeyEntity,
  SubscriptionEntity,
  VoucherEntity,
  VoucherEventEntity,
  SyncLogEntity,
  SyncAttemptEntity,
  ConsistencyReportEntity,
  ConsistencyDifferenceEntity,
];
