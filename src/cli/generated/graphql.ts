/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
export type AlertNotificationKind =
  /** Nobody acknowledged it in time. */
  | 'ESCALATED'
  /** It fires, or got worse. */
  | 'FIRING'
  | 'RESOLVED';

export type AlertNotificationStatus =
  /** Given up. */
  | 'FAILED'
  | 'SENT'
  /** To be sent, or to be sent again. */
  | 'WAITING';

export type AlertSeverity =
  | 'CRITICAL'
  | 'INFO'
  | 'WARNING';

export type AlertState =
  | 'FIRING'
  | 'RESOLVED';

export type CompensationKind =
  | 'CANCEL'
  | 'RESYNC'
  | 'RETRY';

export type CompensationState =
  | 'DONE'
  | 'FAILED'
  | 'RUNNING';

export type ConsistencyCheckInput = {
  /** Sends again what differs. */
  autoFix?: boolean | null | undefined;
  /** Voucher dates, both inclusive; null: no bound. */
  from?: string | null | undefined;
  /** The subscription whose consumer is asked. */
  subscriptionId: string | number;
  /** Vouchers dated on this day or earlier; left out: no bound. */
  to?: string | null | undefined;
};

export type ConsistencyState =
  | 'DONE'
  | 'FAILED'
  | 'RUNNING';

export type CreateDataSubscriptionInput = {
  /** How long an attached consumer may take to acknowledge, milliseconds. */
  ackTimeoutMs?: number | null | undefined;
  /** Scheduled checks send again what differs. */
  autoFix?: boolean | null | undefined;
  /** Left out: 0 2 * * *, every night at 02:00. */
  batchCron?: string | null | undefined;
  /** Most bytes of the body of a request with several events, 1024 to 104857600. */
  batchMaxBytes?: number | null | undefined;
  /** Most events in one request, 1 to 100. */
  batchSize?: number | null | undefined;
  /** Only events of these companies; null: all. */
  companyIds?: Array<string> | null | undefined;
  /** Where the consumer answers consistency digests; null: none. */
  consistencyUrl?: string | null | undefined;
  /** Names from the catalogue, a prefix with a star (invoice_*), or *. */
  eventTypes: Array<string>;
  /** Requests that may be under way at once, 1 to 256. */
  maxInFlight?: number | null | undefined;
  /** REALTIME or BATCH for all its events; null: as the event type says. */
  mode?: SyncMode | null | undefined;
  /** A name for people; one target system has it once. */
  name: string;
  /** A GraphQL selection on VoucherEvent that shapes `data`; null: the business data. */
  payloadQuery?: string | null | undefined;
  /** Requests a second at most; null: unlimited. */
  rateLimitPerSecond?: number | null | undefined;
  /** When and how often a failed attempt is repeated. */
  retry?: RetryPolicyInput | null | undefined;
  /** Left out: the hub makes one. */
  secret?: string | null | undefined;
  /** Drains that it is spread over, 1 to 16. */
  shards?: number | null | undefined;
  /** Only events of these systems; null: all. */
  sourceSystems?: Array<string> | null | undefined;
  /** The system that receives the events; a SUBSCRIBER key is bound to one. */
  targetSystem: string;
  /** How long a request may take, milliseconds. */
  timeoutMs?: number | null | undefined;
  /** Left out: delivered over graphql-ws only. */
  webhookUrl?: string | null | undefined;
};

export type DataSubscriptionState =
  | 'ACTIVE'
  /** By an operator: nothing is attempted, everything is kept. */
  | 'PAUSED'
  /** By the circuit breaker: the target is down. Everything is kept. */
  | 'SUSPENDED';

export type DifferenceKind =
  /** Same version, other content; or a later version than the hub has. */
  | 'DIVERGENT'
  /** The consumer does not have it. */
  | 'MISSING'
  /** The consumer has an older version. */
  | 'STALE'
  /** The consumer has what the hub does not. */
  | 'UNEXPECTED';

export type FixPlanItemInput = {
  /** The digest that the consumer held; null: none. */
  actualDigest?: string | null | undefined;
  /** The version that the consumer held; null: none. */
  actualVersion?: number | null | undefined;
  /** The digest that the hub had; null: none. */
  expectedDigest?: string | null | undefined;
  /** The version that the hub had; null: none. */
  expectedVersion?: number | null | undefined;
  /** What differs, as the dry run said. */
  kind: DifferenceKind;
  /** Its id in that module. */
  sourceId: string;
  /** Its module. */
  sourceModule: string;
  /** The system of the record. */
  sourceSystem: string;
  /** The subscription whose consumer differs. */
  subscriptionId: string | number;
};

export type RecordOutcome =
  /** First time that this source record is seen. */
  | 'CREATED'
  /** The same content again: nothing recorded, nothing delivered. */
  | 'DUPLICATE'
  /** An older version than the one known: kept in the event history, not delivered. */
  | 'STALE'
  /** A newer version of a known source record. */
  | 'UPDATED';

export type RecordVoucherInput = {
  /** An exact decimal as a string: up to 30 digits before the point and 10 after it. It may be negative. */
  amount: string;
  /** The business data of the event, as JSON: up to 1 MiB and 64 levels. It must fit the schema of the event type. Numbers that a double does not hold and keys that stand twice are refused. */
  businessData: Record<string, unknown>;
  /** The company (legal entity) that the voucher belongs to; subscriptions may be limited to some. */
  companyId?: string | null | undefined;
  /** The id of the counterparty in the source system. */
  counterpartyId?: string | null | undefined;
  /** The name of the counterparty; up to 2,000 characters. */
  counterpartyName?: string | null | undefined;
  /** The kind of counterparty, e.g. customer or supplier. */
  counterpartyType?: string | null | undefined;
  /** The user who made it in the source system. */
  createdBy?: string | null | undefined;
  /** ISO 4217. */
  currency: string;
  /** DEBIT or CREDIT, as the source system books it. */
  direction: VoucherDirection;
  /** A name from the catalogue (query eventTypes), e.g. invoice_recorded. */
  eventType: string;
  /** Left out: the time of recording. */
  occurredAt?: string | null | undefined;
  /** The id of the record in its module; 1 to 200 characters. */
  sourceId: string;
  /** The module of that system. With sourceSystem and sourceId it names the source record. */
  sourceModule: string;
  /** The number that people know the record by, e.g. of the invoice. */
  sourceReferenceNo?: string | null | undefined;
  /** The system that the voucher comes from; a PUBLISHER key is bound to one. */
  sourceSystem: string;
  /** The kind of record in that module, e.g. sales_invoice. */
  sourceType: string;
  /** A whole number, 1 to 9007199254740991. Left out: one more than the version known, if the content differs. */
  sourceVersion?: number | null | undefined;
  /** DRAFT, APPROVED or VOIDED. */
  status?: VoucherStatus | null | undefined;
  /** A text for people; up to 2,000 characters. */
  summary?: string | null | undefined;
  /** Left out: today in the business time zone. */
  voucherDate?: string | null | undefined;
};

export type RetryPolicyInput = {
  /** The pause before the first retry, milliseconds; each later one is twice as long. */
  baseDelayMs?: number | null | undefined;
  /** Share of the pause that is added at random, 0 to 1. */
  jitter?: number | null | undefined;
  /** The longest pause, milliseconds. */
  maxDelayMs?: number | null | undefined;
  /** Retries after the first attempt, 0 to 100; then the sync waits for a person. */
  maxRetries?: number | null | undefined;
};

export type Role =
  /** Everything. */
  | 'ADMIN'
  /** Reads everything but secrets. */
  | 'ANALYST'
  /** Records vouchers of its own system. */
  | 'PUBLISHER'
  /** Manages and consumes the subscriptions of its own system. */
  | 'SUBSCRIBER';

export type SyncLogFilter = {
  /** Recorded at this instant or later. */
  createdFrom?: string | null | undefined;
  /** Recorded at this instant or earlier. */
  createdTo?: string | null | undefined;
  /** Only syncs whose last failure had one of these codes, e.g. HTTP_400. */
  errorCodes?: Array<string> | null | undefined;
  /** Only events of these types. */
  eventTypes?: Array<string> | null | undefined;
  /** Only these syncs; up to 1,000. */
  ids?: Array<string | number> | null | undefined;
  /** Only syncs of these modes. */
  modes?: Array<SyncMode> | null | undefined;
  /** Only the records with this id. */
  sourceId?: string | null | undefined;
  /** Only vouchers of this system. */
  sourceSystem?: string | null | undefined;
  /** Only syncs in one of these states. */
  statuses?: Array<SyncStatus> | null | undefined;
  /** Only what goes to this subscription. */
  subscriptionId?: string | number | null | undefined;
  /** Only syncs whose last attempt went this way. */
  transports?: Array<Transport> | null | undefined;
  /** Only syncs of this voucher. */
  voucherId?: string | number | null | undefined;
};

export type SyncMode =
  | 'BATCH'
  | 'COMPENSATION'
  | 'REALTIME';

export type SyncStatus =
  | 'CANCELLED'
  /** Waits for a person: retries used up, or refused for good. */
  | 'FAILED'
  | 'PENDING'
  | 'PROCESSING'
  /** Failed, and will be tried again by itself. */
  | 'RETRYING'
  | 'SUCCESS';

export type Transport =
  | 'WEBHOOK'
  | 'WEBSOCKET';

export type UpdateDataSubscriptionInput = {
  /** How long an attached consumer may take to acknowledge, milliseconds. */
  ackTimeoutMs?: number | null | undefined;
  /** Scheduled checks send again what differs. */
  autoFix?: boolean | null | undefined;
  /** Null: every night at 02:00. */
  batchCron?: string | null | undefined;
  /** Most bytes of the body of a request with several events, 1024 to 104857600. */
  batchMaxBytes?: number | null | undefined;
  /** Most events in one request, 1 to 100. */
  batchSize?: number | null | undefined;
  /** Only events of these companies; null: all. */
  companyIds?: Array<string> | null | undefined;
  /** Where the consumer answers consistency digests; null: none. */
  consistencyUrl?: string | null | undefined;
  /** Names from the catalogue, a prefix with a star (invoice_*), or *. */
  eventTypes?: Array<string> | null | undefined;
  /** Requests that may be under way at once, 1 to 256. */
  maxInFlight?: number | null | undefined;
  /** REALTIME or BATCH for all its events; null: as the event type says. */
  mode?: SyncMode | null | undefined;
  /** A name for people; one target system has it once. */
  name?: string | null | undefined;
  /** A GraphQL selection on VoucherEvent that shapes `data`; null: the business data. */
  payloadQuery?: string | null | undefined;
  /** Requests a second at most; null: unlimited. */
  rateLimitPerSecond?: number | null | undefined;
  /** When and how often a failed attempt is repeated. */
  retry?: RetryPolicyInput | null | undefined;
  /** Drains that it is spread over, 1 to 16. */
  shards?: number | null | undefined;
  /** Only events of these systems; null: all. */
  sourceSystems?: Array<string> | null | undefined;
  /** How long a request may take, milliseconds. */
  timeoutMs?: number | null | undefined;
  /** Where events are posted, http or https; null: delivered over graphql-ws only. */
  webhookUrl?: string | null | undefined;
};

export type VoucherDirection =
  | 'CREDIT'
  | 'DEBIT';

export type VoucherFilter = {
  /** Only vouchers of this company. */
  companyId?: string | null | undefined;
  /** Only vouchers with this counterparty. */
  counterpartyId?: string | null | undefined;
  /** Only records with one of these ids; up to 1,000. */
  sourceIds?: Array<string> | null | undefined;
  /** Only vouchers of this module. */
  sourceModule?: string | null | undefined;
  /** Only vouchers of this system. */
  sourceSystem?: string | null | undefined;
  /** Changed at this instant or later. A change can become visible up to a minute after its updatedAt: whoever reads on from the newest updatedAt asks from two minutes before it, and meets some vouchers again. */
  updatedFrom?: string | null | undefined;
  /** Changed at this instant or earlier. */
  updatedTo?: string | null | undefined;
  /** Dated on this day or later. */
  voucherDateFrom?: string | null | undefined;
  /** Dated on this day or earlier. */
  voucherDateTo?: string | null | undefined;
};

export type VoucherStatus =
  | 'APPROVED'
  | 'DRAFT'
  | 'VOIDED';

export type ListAlertsQueryVariables = Exact<{
  state?: AlertState | null | undefined;
  first?: number | null | undefined;
}>;


export type ListAlertsQuery = { alerts: Array<{ id: string, rule: string, severity: AlertSeverity, state: AlertState, message: string, value: number | null, threshold: number | null, cause: string | null, firedAt: string, resolvedAt: string | null, acknowledgedAt: string | null, acknowledgedBy: string | null, vouchers: Array<{ sourceId: string, voucherNo: string }>, subscription: { id: string, name: string, targetSystem: string } | null, notifications: Array<{ channel: string, kind: AlertNotificationKind, status: AlertNotificationStatus, attempts: number, sentAt: string | null, error: string | null }> }> };

export type AcknowledgeAlertMutationVariables = Exact<{
  id: string | number;
}>;


export type AcknowledgeAlertMutation = { acknowledgeAlert: { id: string, rule: string, severity: AlertSeverity, message: string, acknowledgedAt: string | null, acknowledgedBy: string | null } };

export type TestAlertChannelMutationVariables = Exact<{
  channel: string;
}>;


export type TestAlertChannelMutation = { testAlertChannel: { ok: boolean, error: string | null, latencyMs: number } };

export type SilenceAlertsMutationVariables = Exact<{
  until: string;
  reason: string;
  rule?: string | null | undefined;
  subscriptionId?: string | number | null | undefined;
}>;


export type SilenceAlertsMutation = { silenceAlerts: { id: string, rule: string | null, subscriptionId: string | null, until: string, reason: string, createdBy: string, createdAt: string } };

export type EndAlertSilenceMutationVariables = Exact<{
  id: string | number;
}>;


export type EndAlertSilenceMutation = { endAlertSilence: { id: string, rule: string | null, subscriptionId: string | null, until: string } };

export type ListAlertSilencesQueryVariables = Exact<{ [key: string]: never; }>;


export type ListAlertSilencesQuery = { alertSilences: Array<{ id: string, rule: string | null, subscriptionId: string | null, until: string, reason: string, createdBy: string, createdAt: string }> };

export type AuditSealQueryVariables = Exact<{
  subscriptionId: string | number;
  number: string | number;
}>;


export type AuditSealQuery = { auditSeal: { hash: string } | null };

export type AuditVerificationQueryVariables = Exact<{
  subscriptionId?: string | number | null | undefined;
  from?: string | null | undefined;
  to?: string | null | undefined;
  after?: string | null | undefined;
}>;


export type AuditVerificationQuery = { auditVerification: { seals: number, attempts: number, droppedSeals: number, next: string | null, unsealed: number, firstBreak: { subscriptionId: string | null, seal: string | null, sealedAt: string | null, afterAttemptId: string, lastAttemptId: string, what: string } | null, lastSeal: { subscriptionId: string, number: string, hash: string } | null } };

export type ListPayloadQueriesQueryVariables = Exact<{ [key: string]: never; }>;


export type ListPayloadQueriesQuery = { dataSubscriptions: Array<{ id: string, name: string, targetSystem: string, payloadQuery: string | null }> };

export type CheckReportFragment = { id: string, state: ConsistencyState, from: string | null, to: string | null, autoFix: boolean, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, startedAt: string, completedAt: string | null, subscription: { id: string, name: string, targetSystem: string }, differences: Array<{ kind: DifferenceKind, sourceSystem: string, sourceModule: string, sourceId: string, expectedVersion: number | null, expectedDigest: string | null, actualVersion: number | null, actualDigest: string | null, repaired: boolean, subscription: { id: string } }> };

export type RunCheckMutationVariables = Exact<{
  input: ConsistencyCheckInput;
}>;


export type RunCheckMutation = { runConsistencyCheck: { id: string, state: ConsistencyState, from: string | null, to: string | null, autoFix: boolean, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, startedAt: string, completedAt: string | null, subscription: { id: string, name: string, targetSystem: string }, differences: Array<{ kind: DifferenceKind, sourceSystem: string, sourceModule: string, sourceId: string, expectedVersion: number | null, expectedDigest: string | null, actualVersion: number | null, actualDigest: string | null, repaired: boolean, subscription: { id: string } }> } };

export type ReadReportQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadReportQuery = { consistencyReport: { id: string, state: ConsistencyState, from: string | null, to: string | null, autoFix: boolean, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, startedAt: string, completedAt: string | null, subscription: { id: string, name: string, targetSystem: string }, differences: Array<{ kind: DifferenceKind, sourceSystem: string, sourceModule: string, sourceId: string, expectedVersion: number | null, expectedDigest: string | null, actualVersion: number | null, actualDigest: string | null, repaired: boolean, subscription: { id: string } }> } | null };

export type DemoSyncsQueryVariables = Exact<{
  subscriptionId: string | number;
}>;


export type DemoSyncsQuery = { dataSubscription: { state: DataSubscriptionState, backlog: number } | null, syncLogs: { edges: Array<{ node: { id: string, status: SyncStatus, latencyMs: number | null, errorCode: string | null, retryCount: number, attempts: Array<{ errorCode: string | null, statusCode: number | null, responseExcerpt: string | null }>, event: { sourceVersion: number, voucher: { sourceId: string } } } }> } };

export type DemoRecordMutationVariables = Exact<{
  input: RecordVoucherInput;
}>;


export type DemoRecordMutation = { recordVoucher: { outcome: RecordOutcome, voucher: { voucherNo: string, sourceVersion: number } } };

export type DemoCancelMutationVariables = Exact<{
  ids: Array<string | number> | string | number;
}>;


export type DemoCancelMutation = { cancelSyncs: number };

export type DoctorFailuresQueryVariables = Exact<{
  id: string | number;
}>;


export type DoctorFailuresQuery = { dataSubscription: { failedByErrorCode: Array<{ errorCode: string, count: number }> } | null };

export type DoctorAlertsQueryVariables = Exact<{ [key: string]: never; }>;


export type DoctorAlertsQuery = { alerts: Array<{ id: string, severity: AlertSeverity, message: string, cause: string | null, firedAt: string }> };

export type DoctorTargetsQueryVariables = Exact<{ [key: string]: never; }>;


export type DoctorTargetsQuery = { dataSubscriptions: Array<{ id: string, name: string, targetSystem: string, state: DataSubscriptionState, backlog: number, webhookUrl: string | null, connected: boolean, unattachedSince: string | null, failedCount: number, troubledSince: string | null, lastQuarterHour: { succeeded: number, failed: number } }> };

export type DoctorRestoresQueryVariables = Exact<{ [key: string]: never; }>;


export type DoctorRestoresQuery = { databaseRestores: Array<{ noticedAt: string, missingSince: string, reason: string, settledAt: string | null }> };

export type ExportSyncsQueryVariables = Exact<{
  filter: SyncLogFilter;
  first: number;
  after?: string | null | undefined;
}>;


export type ExportSyncsQuery = { syncLogs: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, mode: SyncMode, status: SyncStatus, transport: Transport | null, retryCount: number, errorCode: string | null, errorMessage: string | null, createdAt: string, syncStartedAt: string | null, syncCompletedAt: string | null, nextAttemptAt: string | null, subscription: { id: string, name: string, targetSystem: string }, event: { id: string, eventType: string, sourceVersion: number, voucher: { id: string, voucherNo: string, voucherDate: string, sourceSystem: string, sourceModule: string, sourceType: string, sourceId: string, sourceReferenceNo: string | null, companyId: string | null, counterpartyType: string | null, counterpartyId: string | null, counterpartyName: string | null, direction: VoucherDirection, amount: string, currency: string, summary: string | null } } } }> } };

export type ExportCountQueryVariables = Exact<{
  filter: SyncLogFilter;
}>;


export type ExportCountQuery = { syncLogs: { totalCount: number } };

export type ExportSubscriptionQueryVariables = Exact<{
  id: string | number;
  filter: SyncLogFilter;
}>;


export type ExportSubscriptionQuery = { dataSubscription: { id: string } | null, syncLogs: { edges: Array<{ node: { id: string } }> } };

export type ExportVouchersQueryVariables = Exact<{
  filter: VoucherFilter;
  first: number;
  after?: string | null | undefined;
}>;


export type ExportVouchersQuery = { vouchers: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, voucherNo: string, voucherDate: string, sourceSystem: string, sourceModule: string, sourceType: string, sourceId: string, sourceReferenceNo: string | null, sourceVersion: number, companyId: string | null, counterpartyType: string | null, counterpartyId: string | null, counterpartyName: string | null, direction: VoucherDirection, amount: string, currency: string, summary: string | null, status: VoucherStatus, createdBy: string | null, createdAt: string, updatedAt: string } }> } };

export type ExportVouchersCountQueryVariables = Exact<{
  filter: VoucherFilter;
}>;


export type ExportVouchersCountQuery = { vouchers: { totalCount: number } };

export type FixedFragment = { dryRun: boolean, found: number, fixed: number, differences: Array<{ kind: DifferenceKind, sourceSystem: string, sourceModule: string, sourceId: string, expectedVersion: number | null, expectedDigest: string | null, actualVersion: number | null, actualDigest: string | null, repaired: boolean, subscription: { id: string, name: string, targetSystem: string } }>, reports: Array<{ id: string, state: ConsistencyState, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, subscription: { id: string, name: string, targetSystem: string } }>, notCompared: Array<{ reason: string, subscription: { id: string, name: string, targetSystem: string } }> };

export type FixReportFragment = { id: string, state: ConsistencyState, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, subscription: { id: string, name: string, targetSystem: string } };

export type ReadFixReportQueryVariables = Exact<{
  id: string | number;
}>;


export type ReadFixReportQuery = { consistencyReport: { id: string, state: ConsistencyState, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, subscription: { id: string, name: string, targetSystem: string } } | null };

export type ReadFixDifferencesQueryVariables = Exact<{
  id: string | number;
  first: number;
}>;


export type ReadFixDifferencesQuery = { consistencyReport: { differences: Array<{ kind: DifferenceKind, sourceSystem: string, sourceModule: string, sourceId: string, expectedVersion: number | null, expectedDigest: string | null, actualVersion: number | null, actualDigest: string | null, repaired: boolean, subscription: { id: string, name: string, targetSystem: string } }> } | null };

export type FixDataMutationVariables = Exact<{
  date: string;
  subscriptionId?: string | number | null | undefined;
  dryRun: boolean;
}>;


export type FixDataMutation = { fixData: { dryRun: boolean, found: number, fixed: number, differences: Array<{ kind: DifferenceKind, sourceSystem: string, sourceModule: string, sourceId: string, expectedVersion: number | null, expectedDigest: string | null, actualVersion: number | null, actualDigest: string | null, repaired: boolean, subscription: { id: string, name: string, targetSystem: string } }>, reports: Array<{ id: string, state: ConsistencyState, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, subscription: { id: string, name: string, targetSystem: string } }>, notCompared: Array<{ reason: string, subscription: { id: string, name: string, targetSystem: string } }> } };

export type ApplyFixPlanMutationVariables = Exact<{
  items: Array<FixPlanItemInput> | FixPlanItemInput;
}>;


export type ApplyFixPlanMutation = { applyFixPlan: { dryRun: boolean, found: number, fixed: number, differences: Array<{ kind: DifferenceKind, sourceSystem: string, sourceModule: string, sourceId: string, expectedVersion: number | null, expectedDigest: string | null, actualVersion: number | null, actualDigest: string | null, repaired: boolean, subscription: { id: string, name: string, targetSystem: string } }>, reports: Array<{ id: string, state: ConsistencyState, checked: number, requests: number, bytesExchanged: number, differenceCount: number, repairedCount: number, errorMessage: string | null, subscription: { id: string, name: string, targetSystem: string } }>, notCompared: Array<{ reason: string, subscription: { id: string, name: string, targetSystem: string } }> } };

export type ImportGreetingQueryVariables = Exact<{ [key: string]: never; }>;


export type ImportGreetingQuery = { __typename: 'Query' };

export type ImportVouchersMutationVariables = Exact<{
  inputs: Array<RecordVoucherInput> | RecordVoucherInput;
}>;


export type ImportVouchersMutation = { recordVouchers: Array<{ index: number, result: { outcome: RecordOutcome } | null, error: { code: string, message: string, field: string | null } | null }> };

export type ListKeysQueryVariables = Exact<{ [key: string]: never; }>;


export type ListKeysQuery = { apiKeys: Array<{ id: string, name: string, role: Role, system: string | null, createdAt: string, lastUsedAt: string | null, revokedAt: string | null }> };

export type CreateKeyMutationVariables = Exact<{
  name: string;
  role: Role;
  system?: string | null | undefined;
}>;


export type CreateKeyMutation = { createApiKey: { secret: string, apiKey: { id: string, name: string, role: Role, system: string | null, createdAt: string } } };

export type RevokeKeyMutationVariables = Exact<{
  id: string | number;
}>;


export type RevokeKeyMutation = { revokeApiKey: { id: string, name: string, role: Role, system: string | null, revokedAt: string | null } };

export type ListenSubscriptionQueryVariables = Exact<{
  id: string | number;
}>;


export type ListenSubscriptionQuery = { dataSubscription: { id: string, name: string, targetSystem: string, state: DataSubscriptionState, webhookUrl: string | null, batchSize: number, batchMaxBytes: number, timeoutMs: number, ackTimeoutMs: number, payloadQuery: string | null, retry: { maxRetries: number, baseDelayMs: number, maxDelayMs: number, jitter: number } } | null };

export type ListenDeliveriesSubscriptionVariables = Exact<{
  subscriptionId: string | number;
  prefetch: number;
}>;


export type ListenDeliveriesSubscription = { deliveries: { syncId: string, attempt: number, mode: SyncMode, event: { id: string, eventType: string, data: Record<string, unknown>, occurredAt: string, recordedAt: string, voucher: { id: string, voucherNo: string, voucherDate: string, sourceSystem: string, sourceModule: string, sourceType: string, sourceId: string, sourceReferenceNo: string | null, sourceVersion: number, companyId: string | null, counterpartyType: string | null, counterpartyId: string | null, counterpartyName: string | null, direction: VoucherDirection, amount: string, currency: string, summary: string | null, status: VoucherStatus, digest: string } } } };

export type ListenAttachedQueryVariables = Exact<{
  id: string | number;
}>;


export type ListenAttachedQuery = { dataSubscription: { connected: boolean } | null };

export type ListenAcknowledgeMutationVariables = Exact<{
  syncIds: Array<string | number> | string | number;
}>;


export type ListenAcknowledgeMutation = { acknowledge: number };

export type ListenRejectMutationVariables = Exact<{
  syncId: string | number;
  code: string;
  message: string;
  retryable: boolean;
}>;


export type ListenRejectMutation = { reject: { id: string, status: SyncStatus, subscription: { id: string } } };

export type NoteDatabaseRestoreMutationVariables = Exact<{
  missingSince?: string | null | undefined;
}>;


export type NoteDatabaseRestoreMutation = { noteDatabaseRestore: { noticedAt: string, missingSince: string, reason: string, settledAt: string | null } };

export type SettleDatabaseRestoresMutationVariables = Exact<{ [key: string]: never; }>;


export type SettleDatabaseRestoresMutation = { settleDatabaseRestores: Array<{ noticedAt: string, missingSince: string, reason: string, settledAt: string | null }> };

export type RetryRunsQueryVariables = Exact<{ [key: string]: never; }>;


export type RetryRunsQuery = { compensationRuns: Array<{ id: string, kind: CompensationKind, state: CompensationState, total: number, lookedAt: number, count: number, errorMessage: string | null }> };

export type RetrySyncsMutationVariables = Exact<{
  filter: SyncLogFilter;
}>;


export type RetrySyncsMutation = { retrySyncs: number };

export type CreateSubscriptionMutationVariables = Exact<{
  input: CreateDataSubscriptionInput;
}>;


export type CreateSubscriptionMutation = { createDataSubscription: { secret: string, subscription: { id: string, name: string, targetSystem: string, eventTypes: Array<string>, state: DataSubscriptionState, webhookUrl: string | null, warnings: Array<string> } } };

export type SubscriptionToDeleteQueryVariables = Exact<{
  id: string | number;
}>;


export type SubscriptionToDeleteQuery = { dataSubscription: { id: string, name: string, targetSystem: string, backlog: number, connected: boolean } | null };

export type DeleteSubscriptionMutationVariables = Exact<{
  id: string | number;
}>;


export type DeleteSubscriptionMutation = { deleteDataSubscription: boolean };

export type KnownSubscriptionQueryVariables = Exact<{
  id: string | number;
}>;


export type KnownSubscriptionQuery = { dataSubscription: { id: string } | null };

export type RotateSecretMutationVariables = Exact<{
  id: string | number;
  overlapHours: number;
}>;


export type RotateSecretMutation = { rotateDataSubscriptionSecret: { secret: string, warnings: Array<string>, subscription: { id: string, name: string, targetSystem: string } } };

export type ListSubscriptionsQueryVariables = Exact<{
  targetSystem?: string | null | undefined;
}>;


export type ListSubscriptionsQuery = { dataSubscriptions: Array<{ id: string, name: string, targetSystem: string, eventTypes: Array<string>, sourceSystems: Array<string> | null, companyIds: Array<string> | null, mode: SyncMode | null, batchCron: string | null, state: DataSubscriptionState, webhookUrl: string | null, consistencyUrl: string | null, autoFix: boolean, batchSize: number, batchMaxBytes: number, maxInFlight: number, shards: number, rateLimitPerSecond: number | null, timeoutMs: number, ackTimeoutMs: number, payloadQuery: string | null, backlog: number, connected: boolean, unattachedSince: string | null, stateSince: string | null, failedCount: number, lastErrorCode: string | null, troubledSince: string | null, lastSuccessAt: string | null, heldUntil: string | null, createdAt: string, updatedAt: string, retry: { maxRetries: number, baseDelayMs: number, maxDelayMs: number, jitter: number } }> };

export type PauseSubscriptionMutationVariables = Exact<{
  id: string | number;
}>;


export type PauseSubscriptionMutation = { pauseDataSubscription: { id: string, name: string, targetSystem: string, state: DataSubscriptionState, backlog: number } };

export type ResumeSubscriptionMutationVariables = Exact<{
  id: string | number;
}>;


export type ResumeSubscriptionMutation = { resumeDataSubscription: { id: string, name: string, targetSystem: string, state: DataSubscriptionState, backlog: number } };

export type TestSubscriptionMutationVariables = Exact<{
  id: string | number;
}>;


export type TestSubscriptionMutation = { testDataSubscription: { ok: boolean, statusCode: number | null, latencyMs: number, errorCode: string | null, errorMessage: string | null } };

export type RetryOfSubscriptionQueryVariables = Exact<{
  id: string | number;
}>;


export type RetryOfSubscriptionQuery = { dataSubscription: { retry: { maxRetries: number, baseDelayMs: number, maxDelayMs: number, jitter: number } } | null };

export type UpdateSubscriptionMutationVariables = Exact<{
  id: string | number;
  input: UpdateDataSubscriptionInput;
}>;


export type UpdateSubscriptionMutation = { updateDataSubscription: { id: string, name: string, targetSystem: string, eventTypes: Array<string>, sourceSystems: Array<string> | null, companyIds: Array<string> | null, mode: SyncMode | null, batchCron: string | null, state: DataSubscriptionState, webhookUrl: string | null, consistencyUrl: string | null, autoFix: boolean, batchSize: number, batchMaxBytes: number, maxInFlight: number, shards: number, rateLimitPerSecond: number | null, timeoutMs: number, ackTimeoutMs: number, payloadQuery: string | null, backlog: number, warnings: Array<string>, retry: { maxRetries: number, baseDelayMs: number, maxDelayMs: number, jitter: number } } };

export type TailGreetingQueryVariables = Exact<{ [key: string]: never; }>;


export type TailGreetingQuery = { __typename: 'Query' };

export type TailChangesSubscriptionVariables = Exact<{
  filter: SyncLogFilter;
}>;


export type TailChangesSubscription = { syncLogChanged: { id: string } };

export type TailSyncsQueryVariables = Exact<{
  filter: SyncLogFilter;
  first: number;
  after?: string | null | undefined;
}>;


export type TailSyncsQuery = { syncLogs: { pageInfo: { hasNextPage: boolean, endCursor: string | null }, edges: Array<{ node: { id: string, mode: SyncMode, status: SyncStatus, transport: Transport | null, retryCount: number, nextAttemptAt: string | null, errorCode: string | null, errorMessage: string | null, createdAt: string, syncStartedAt: string | null, syncCompletedAt: string | null, latencyMs: number | null, subscription: { id: string, name: string, targetSystem: string }, event: { id: string, eventType: string, sourceVersion: number, voucher: { id: string, sourceSystem: string, sourceModule: string, sourceId: string } }, attempts: Array<{ number: number, startedAt: string, durationMs: number, statusCode: number | null, errorCode: string | null, responseExcerpt: string | null }> } }> } };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}
export const CheckReportFragmentDoc = new TypedDocumentString(`
    fragment CheckReport on ConsistencyReport {
  id
  state
  from
  to
  autoFix
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  startedAt
  completedAt
  subscription {
    id
    name
    targetSystem
  }
  differences(first: 1000) {
    kind
    sourceSystem
    sourceModule
    sourceId
    expectedVersion
    expectedDigest
    actualVersion
    actualDigest
    repaired
    subscription {
      id
    }
  }
}
    `, {"fragmentName":"CheckReport"}) as unknown as TypedDocumentString<CheckReportFragment, unknown>;
export const FixReportFragmentDoc = new TypedDocumentString(`
    fragment FixReport on ConsistencyReport {
  id
  state
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  subscription {
    id
    name
    targetSystem
  }
}
    `, {"fragmentName":"FixReport"}) as unknown as TypedDocumentString<FixReportFragment, unknown>;
export const FixedFragmentDoc = new TypedDocumentString(`
    fragment Fixed on FixDataResult {
  dryRun
  found
  fixed
  differences {
    kind
    sourceSystem
    sourceModule
    sourceId
    expectedVersion
    expectedDigest
    actualVersion
    actualDigest
    repaired
    subscription {
      id
      name
      targetSystem
    }
  }
  reports {
    ...FixReport
  }
  notCompared {
    reason
    subscription {
      id
      name
      targetSystem
    }
  }
}
    fragment FixReport on ConsistencyReport {
  id
  state
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  subscription {
    id
    name
    targetSystem
  }
}`, {"fragmentName":"Fixed"}) as unknown as TypedDocumentString<FixedFragment, unknown>;
export const ListAlertsDocument = new TypedDocumentString(`
    query ListAlerts($state: AlertState, $first: Int) {
  alerts(state: $state, first: $first) {
    id
    rule
    severity
    state
    message
    value
    threshold
    cause
    vouchers {
      sourceId
      voucherNo
    }
    firedAt
    resolvedAt
    acknowledgedAt
    acknowledgedBy
    subscription {
      id
      name
      targetSystem
    }
    notifications {
      channel
      kind
      status
      attempts
      sentAt
      error
    }
  }
}
    `) as unknown as TypedDocumentString<ListAlertsQuery, ListAlertsQueryVariables>;
export const AcknowledgeAlertDocument = new TypedDocumentString(`
    mutation AcknowledgeAlert($id: ID!) {
  acknowledgeAlert(id: $id) {
    id
    rule
    severity
    message
    acknowledgedAt
    acknowledgedBy
  }
}
    `) as unknown as TypedDocumentString<AcknowledgeAlertMutation, AcknowledgeAlertMutationVariables>;
export const TestAlertChannelDocument = new TypedDocumentString(`
    mutation TestAlertChannel($channel: String!) {
  testAlertChannel(channel: $channel) {
    ok
    error
    latencyMs
  }
}
    `) as unknown as TypedDocumentString<TestAlertChannelMutation, TestAlertChannelMutationVariables>;
export const SilenceAlertsDocument = new TypedDocumentString(`
    mutation SilenceAlerts($until: DateTime!, $reason: String!, $rule: String, $subscriptionId: ID) {
  silenceAlerts(
    until: $until
    reason: $reason
    rule: $rule
    subscriptionId: $subscriptionId
  ) {
    id
    rule
    subscriptionId
    until
    reason
    createdBy
    createdAt
  }
}
    `) as unknown as TypedDocumentString<SilenceAlertsMutation, SilenceAlertsMutationVariables>;
export const EndAlertSilenceDocument = new TypedDocumentString(`
    mutation EndAlertSilence($id: ID!) {
  endAlertSilence(id: $id) {
    id
    rule
    subscriptionId
    until
  }
}
    `) as unknown as TypedDocumentString<EndAlertSilenceMutation, EndAlertSilenceMutationVariables>;
export const ListAlertSilencesDocument = new TypedDocumentString(`
    query ListAlertSilences {
  alertSilences {
    id
    rule
    subscriptionId
    until
    reason
    createdBy
    createdAt
  }
}
    `) as unknown as TypedDocumentString<ListAlertSilencesQuery, ListAlertSilencesQueryVariables>;
export const AuditSealDocument = new TypedDocumentString(`
    query AuditSeal($subscriptionId: ID!, $number: ID!) {
  auditSeal(subscriptionId: $subscriptionId, number: $number) {
    hash
  }
}
    `) as unknown as TypedDocumentString<AuditSealQuery, AuditSealQueryVariables>;
export const AuditVerificationDocument = new TypedDocumentString(`
    query AuditVerification($subscriptionId: ID, $from: DateTime, $to: DateTime, $after: String) {
  auditVerification(
    subscriptionId: $subscriptionId
    from: $from
    to: $to
    after: $after
  ) {
    seals
    attempts
    droppedSeals
    next
    unsealed
    firstBreak {
      subscriptionId
      seal
      sealedAt
      afterAttemptId
      lastAttemptId
      what
    }
    lastSeal {
      subscriptionId
      number
      hash
    }
  }
}
    `) as unknown as TypedDocumentString<AuditVerificationQuery, AuditVerificationQueryVariables>;
export const ListPayloadQueriesDocument = new TypedDocumentString(`
    query ListPayloadQueries {
  dataSubscriptions {
    id
    name
    targetSystem
    payloadQuery
  }
}
    `) as unknown as TypedDocumentString<ListPayloadQueriesQuery, ListPayloadQueriesQueryVariables>;
export const RunCheckDocument = new TypedDocumentString(`
    mutation RunCheck($input: ConsistencyCheckInput!) {
  runConsistencyCheck(input: $input) {
    ...CheckReport
  }
}
    fragment CheckReport on ConsistencyReport {
  id
  state
  from
  to
  autoFix
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  startedAt
  completedAt
  subscription {
    id
    name
    targetSystem
  }
  differences(first: 1000) {
    kind
    sourceSystem
    sourceModule
    sourceId
    expectedVersion
    expectedDigest
    actualVersion
    actualDigest
    repaired
    subscription {
      id
    }
  }
}`) as unknown as TypedDocumentString<RunCheckMutation, RunCheckMutationVariables>;
export const ReadReportDocument = new TypedDocumentString(`
    query ReadReport($id: ID!) {
  consistencyReport(id: $id) {
    ...CheckReport
  }
}
    fragment CheckReport on ConsistencyReport {
  id
  state
  from
  to
  autoFix
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  startedAt
  completedAt
  subscription {
    id
    name
    targetSystem
  }
  differences(first: 1000) {
    kind
    sourceSystem
    sourceModule
    sourceId
    expectedVersion
    expectedDigest
    actualVersion
    actualDigest
    repaired
    subscription {
      id
    }
  }
}`) as unknown as TypedDocumentString<ReadReportQuery, ReadReportQueryVariables>;
export const DemoSyncsDocument = new TypedDocumentString(`
    query DemoSyncs($subscriptionId: ID!) {
  dataSubscription(id: $subscriptionId) {
    state
    backlog
  }
  syncLogs(filter: {subscriptionId: $subscriptionId}, first: 100) {
    edges {
      node {
        id
        status
        latencyMs
        errorCode
        retryCount
        attempts {
          errorCode
          statusCode
          responseExcerpt
        }
        event {
          sourceVersion
          voucher {
            sourceId
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<DemoSyncsQuery, DemoSyncsQueryVariables>;
export const DemoRecordDocument = new TypedDocumentString(`
    mutation DemoRecord($input: RecordVoucherInput!) {
  recordVoucher(input: $input) {
    outcome
    voucher {
      voucherNo
      sourceVersion
    }
  }
}
    `) as unknown as TypedDocumentString<DemoRecordMutation, DemoRecordMutationVariables>;
export const DemoCancelDocument = new TypedDocumentString(`
    mutation DemoCancel($ids: [ID!]!) {
  cancelSyncs(filter: {ids: $ids})
}
    `) as unknown as TypedDocumentString<DemoCancelMutation, DemoCancelMutationVariables>;
export const DoctorFailuresDocument = new TypedDocumentString(`
    query DoctorFailures($id: ID!) {
  dataSubscription(id: $id) {
    failedByErrorCode {
      errorCode
      count
    }
  }
}
    `) as unknown as TypedDocumentString<DoctorFailuresQuery, DoctorFailuresQueryVariables>;
export const DoctorAlertsDocument = new TypedDocumentString(`
    query DoctorAlerts {
  alerts(state: FIRING, first: 20) {
    id
    severity
    message
    cause
    firedAt
  }
}
    `) as unknown as TypedDocumentString<DoctorAlertsQuery, DoctorAlertsQueryVariables>;
export const DoctorTargetsDocument = new TypedDocumentString(`
    query DoctorTargets {
  dataSubscriptions {
    id
    name
    targetSystem
    state
    backlog
    webhookUrl
    connected
    unattachedSince
    failedCount
    troubledSince
    lastQuarterHour {
      succeeded
      failed
    }
  }
}
    `) as unknown as TypedDocumentString<DoctorTargetsQuery, DoctorTargetsQueryVariables>;
export const DoctorRestoresDocument = new TypedDocumentString(`
    query DoctorRestores {
  databaseRestores {
    noticedAt
    missingSince
    reason
    settledAt
  }
}
    `) as unknown as TypedDocumentString<DoctorRestoresQuery, DoctorRestoresQueryVariables>;
export const ExportSyncsDocument = new TypedDocumentString(`
    query ExportSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {
  syncLogs(filter: $filter, first: $first, after: $after) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        mode
        status
        transport
        retryCount
        errorCode
        errorMessage
        createdAt
        syncStartedAt
        syncCompletedAt
        nextAttemptAt
        subscription {
          id
          name
          targetSystem
        }
        event {
          id
          eventType
          sourceVersion
          voucher {
            id
            voucherNo
            voucherDate
            sourceSystem
            sourceModule
            sourceType
            sourceId
            sourceReferenceNo
            companyId
            counterpartyType
            counterpartyId
            counterpartyName
            direction
            amount
            currency
            summary
          }
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExportSyncsQuery, ExportSyncsQueryVariables>;
export const ExportCountDocument = new TypedDocumentString(`
    query ExportCount($filter: SyncLogFilter!) {
  syncLogs(filter: $filter, first: 0) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<ExportCountQuery, ExportCountQueryVariables>;
export const ExportSubscriptionDocument = new TypedDocumentString(`
    query ExportSubscription($id: ID!, $filter: SyncLogFilter!) {
  dataSubscription(id: $id) {
    id
  }
  syncLogs(filter: $filter, first: 1) {
    edges {
      node {
        id
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExportSubscriptionQuery, ExportSubscriptionQueryVariables>;
export const ExportVouchersDocument = new TypedDocumentString(`
    query ExportVouchers($filter: VoucherFilter!, $first: Int!, $after: String) {
  vouchers(filter: $filter, first: $first, after: $after) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        voucherNo
        voucherDate
        sourceSystem
        sourceModule
        sourceType
        sourceId
        sourceReferenceNo
        sourceVersion
        companyId
        counterpartyType
        counterpartyId
        counterpartyName
        direction
        amount
        currency
        summary
        status
        createdBy
        createdAt
        updatedAt
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ExportVouchersQuery, ExportVouchersQueryVariables>;
export const ExportVouchersCountDocument = new TypedDocumentString(`
    query ExportVouchersCount($filter: VoucherFilter!) {
  vouchers(filter: $filter, first: 0) {
    totalCount
  }
}
    `) as unknown as TypedDocumentString<ExportVouchersCountQuery, ExportVouchersCountQueryVariables>;
export const ReadFixReportDocument = new TypedDocumentString(`
    query ReadFixReport($id: ID!) {
  consistencyReport(id: $id) {
    ...FixReport
  }
}
    fragment FixReport on ConsistencyReport {
  id
  state
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  subscription {
    id
    name
    targetSystem
  }
}`) as unknown as TypedDocumentString<ReadFixReportQuery, ReadFixReportQueryVariables>;
export const ReadFixDifferencesDocument = new TypedDocumentString(`
    query ReadFixDifferences($id: ID!, $first: Int!) {
  consistencyReport(id: $id) {
    differences(first: $first) {
      kind
      sourceSystem
      sourceModule
      sourceId
      expectedVersion
      expectedDigest
      actualVersion
      actualDigest
      repaired
      subscription {
        id
        name
        targetSystem
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ReadFixDifferencesQuery, ReadFixDifferencesQueryVariables>;
export const FixDataDocument = new TypedDocumentString(`
    mutation FixData($date: Date!, $subscriptionId: ID, $dryRun: Boolean!) {
  fixData(
    date: $date
    subscriptionId: $subscriptionId
    dryRun: $dryRun
    wait: false
  ) {
    ...Fixed
  }
}
    fragment Fixed on FixDataResult {
  dryRun
  found
  fixed
  differences {
    kind
    sourceSystem
    sourceModule
    sourceId
    expectedVersion
    expectedDigest
    actualVersion
    actualDigest
    repaired
    subscription {
      id
      name
      targetSystem
    }
  }
  reports {
    ...FixReport
  }
  notCompared {
    reason
    subscription {
      id
      name
      targetSystem
    }
  }
}
fragment FixReport on ConsistencyReport {
  id
  state
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  subscription {
    id
    name
    targetSystem
  }
}`) as unknown as TypedDocumentString<FixDataMutation, FixDataMutationVariables>;
export const ApplyFixPlanDocument = new TypedDocumentString(`
    mutation ApplyFixPlan($items: [FixPlanItemInput!]!) {
  applyFixPlan(items: $items, wait: false) {
    ...Fixed
  }
}
    fragment Fixed on FixDataResult {
  dryRun
  found
  fixed
  differences {
    kind
    sourceSystem
    sourceModule
    sourceId
    expectedVersion
    expectedDigest
    actualVersion
    actualDigest
    repaired
    subscription {
      id
      name
      targetSystem
    }
  }
  reports {
    ...FixReport
  }
  notCompared {
    reason
    subscription {
      id
      name
      targetSystem
    }
  }
}
fragment FixReport on ConsistencyReport {
  id
  state
  checked
  requests
  bytesExchanged
  differenceCount
  repairedCount
  errorMessage
  subscription {
    id
    name
    targetSystem
  }
}`) as unknown as TypedDocumentString<ApplyFixPlanMutation, ApplyFixPlanMutationVariables>;
export const ImportGreetingDocument = new TypedDocumentString(`
    query ImportGreeting {
  __typename
}
    `) as unknown as TypedDocumentString<ImportGreetingQuery, ImportGreetingQueryVariables>;
export const ImportVouchersDocument = new TypedDocumentString(`
    mutation ImportVouchers($inputs: [RecordVoucherInput!]!) {
  recordVouchers(inputs: $inputs) {
    index
    result {
      outcome
    }
    error {
      code
      message
      field
    }
  }
}
    `) as unknown as TypedDocumentString<ImportVouchersMutation, ImportVouchersMutationVariables>;
export const ListKeysDocument = new TypedDocumentString(`
    query ListKeys {
  apiKeys {
    id
    name
    role
    system
    createdAt
    lastUsedAt
    revokedAt
  }
}
    `) as unknown as TypedDocumentString<ListKeysQuery, ListKeysQueryVariables>;
export const CreateKeyDocument = new TypedDocumentString(`
    mutation CreateKey($name: String!, $role: Role!, $system: String) {
  createApiKey(name: $name, role: $role, system: $system) {
    secret
    apiKey {
      id
      name
      role
      system
      createdAt
    }
  }
}
    `) as unknown as TypedDocumentString<CreateKeyMutation, CreateKeyMutationVariables>;
export const RevokeKeyDocument = new TypedDocumentString(`
    mutation RevokeKey($id: ID!) {
  revokeApiKey(id: $id) {
    id
    name
    role
    system
    revokedAt
  }
}
    `) as unknown as TypedDocumentString<RevokeKeyMutation, RevokeKeyMutationVariables>;
export const ListenSubscriptionDocument = new TypedDocumentString(`
    query ListenSubscription($id: ID!) {
  dataSubscription(id: $id) {
    id
    name
    targetSystem
    state
    webhookUrl
    batchSize
    batchMaxBytes
    timeoutMs
    ackTimeoutMs
    payloadQuery
    retry {
      maxRetries
      baseDelayMs
      maxDelayMs
      jitter
    }
  }
}
    `) as unknown as TypedDocumentString<ListenSubscriptionQuery, ListenSubscriptionQueryVariables>;
export const ListenDeliveriesDocument = new TypedDocumentString(`
    subscription ListenDeliveries($subscriptionId: ID!, $prefetch: Int!) {
  deliveries(subscriptionId: $subscriptionId, prefetch: $prefetch) {
    syncId
    attempt
    mode
    event {
      id
      eventType
      data
      occurredAt
      recordedAt
      voucher {
        id
        voucherNo
        voucherDate
        sourceSystem
        sourceModule
        sourceType
        sourceId
        sourceReferenceNo
        sourceVersion
        companyId
        counterpartyType
        counterpartyId
        counterpartyName
        direction
        amount
        currency
        summary
        status
        digest
      }
    }
  }
}
    `) as unknown as TypedDocumentString<ListenDeliveriesSubscription, ListenDeliveriesSubscriptionVariables>;
export const ListenAttachedDocument = new TypedDocumentString(`
    query ListenAttached($id: ID!) {
  dataSubscription(id: $id) {
    connected
  }
}
    `) as unknown as TypedDocumentString<ListenAttachedQuery, ListenAttachedQueryVariables>;
export const ListenAcknowledgeDocument = new TypedDocumentString(`
    mutation ListenAcknowledge($syncIds: [ID!]!) {
  acknowledge(syncIds: $syncIds)
}
    `) as unknown as TypedDocumentString<ListenAcknowledgeMutation, ListenAcknowledgeMutationVariables>;
export const ListenRejectDocument = new TypedDocumentString(`
    mutation ListenReject($syncId: ID!, $code: String!, $message: String!, $retryable: Boolean!) {
  reject(syncId: $syncId, code: $code, message: $message, retryable: $retryable) {
    id
    status
    subscription {
      id
    }
  }
}
    `) as unknown as TypedDocumentString<ListenRejectMutation, ListenRejectMutationVariables>;
export const NoteDatabaseRestoreDocument = new TypedDocumentString(`
    mutation NoteDatabaseRestore($missingSince: DateTime) {
  noteDatabaseRestore(missingSince: $missingSince) {
    noticedAt
    missingSince
    reason
    settledAt
  }
}
    `) as unknown as TypedDocumentString<NoteDatabaseRestoreMutation, NoteDatabaseRestoreMutationVariables>;
export const SettleDatabaseRestoresDocument = new TypedDocumentString(`
    mutation SettleDatabaseRestores {
  settleDatabaseRestores {
    noticedAt
    missingSince
    reason
    settledAt
  }
}
    `) as unknown as TypedDocumentString<SettleDatabaseRestoresMutation, SettleDatabaseRestoresMutationVariables>;
export const RetryRunsDocument = new TypedDocumentString(`
    query RetryRuns {
  compensationRuns(first: 10) {
    id
    kind
    state
    total
    lookedAt
    count
    errorMessage
  }
}
    `) as unknown as TypedDocumentString<RetryRunsQuery, RetryRunsQueryVariables>;
export const RetrySyncsDocument = new TypedDocumentString(`
    mutation RetrySyncs($filter: SyncLogFilter!) {
  retrySyncs(filter: $filter)
}
    `) as unknown as TypedDocumentString<RetrySyncsMutation, RetrySyncsMutationVariables>;
export const CreateSubscriptionDocument = new TypedDocumentString(`
    mutation CreateSubscription($input: CreateDataSubscriptionInput!) {
  createDataSubscription(input: $input) {
    secret
    subscription {
      id
      name
      targetSystem
      eventTypes
      state
      webhookUrl
      warnings
    }
  }
}
    `) as unknown as TypedDocumentString<CreateSubscriptionMutation, CreateSubscriptionMutationVariables>;
export const SubscriptionToDeleteDocument = new TypedDocumentString(`
    query SubscriptionToDelete($id: ID!) {
  dataSubscription(id: $id) {
    id
    name
    targetSystem
    backlog
    connected
  }
}
    `) as unknown as TypedDocumentString<SubscriptionToDeleteQuery, SubscriptionToDeleteQueryVariables>;
export const DeleteSubscriptionDocument = new TypedDocumentString(`
    mutation DeleteSubscription($id: ID!) {
  deleteDataSubscription(id: $id)
}
    `) as unknown as TypedDocumentString<DeleteSubscriptionMutation, DeleteSubscriptionMutationVariables>;
export const KnownSubscriptionDocument = new TypedDocumentString(`
    query KnownSubscription($id: ID!) {
  dataSubscription(id: $id) {
    id
  }
}
    `) as unknown as TypedDocumentString<KnownSubscriptionQuery, KnownSubscriptionQueryVariables>;
export const RotateSecretDocument = new TypedDocumentString(`
    mutation RotateSecret($id: ID!, $overlapHours: Int!) {
  rotateDataSubscriptionSecret(id: $id, overlapHours: $overlapHours) {
    secret
    warnings
    subscription {
      id
      name
      targetSystem
    }
  }
}
    `) as unknown as TypedDocumentString<RotateSecretMutation, RotateSecretMutationVariables>;
export const ListSubscriptionsDocument = new TypedDocumentString(`
    query ListSubscriptions($targetSystem: String) {
  dataSubscriptions(targetSystem: $targetSystem) {
    id
    name
    targetSystem
    eventTypes
    sourceSystems
    companyIds
    mode
    batchCron
    state
    webhookUrl
    consistencyUrl
    autoFix
    batchSize
    batchMaxBytes
    maxInFlight
    shards
    rateLimitPerSecond
    timeoutMs
    ackTimeoutMs
    payloadQuery
    retry {
      maxRetries
      baseDelayMs
      maxDelayMs
      jitter
    }
    backlog
    connected
    unattachedSince
    stateSince
    failedCount
    lastErrorCode
    troubledSince
    lastSuccessAt
    heldUntil
    createdAt
    updatedAt
  }
}
    `) as unknown as TypedDocumentString<ListSubscriptionsQuery, ListSubscriptionsQueryVariables>;
export const PauseSubscriptionDocument = new TypedDocumentString(`
    mutation PauseSubscription($id: ID!) {
  pauseDataSubscription(id: $id) {
    id
    name
    targetSystem
    state
    backlog
  }
}
    `) as unknown as TypedDocumentString<PauseSubscriptionMutation, PauseSubscriptionMutationVariables>;
export const ResumeSubscriptionDocument = new TypedDocumentString(`
    mutation ResumeSubscription($id: ID!) {
  resumeDataSubscription(id: $id) {
    id
    name
    targetSystem
    state
    backlog
  }
}
    `) as unknown as TypedDocumentString<ResumeSubscriptionMutation, ResumeSubscriptionMutationVariables>;
export const TestSubscriptionDocument = new TypedDocumentString(`
    mutation TestSubscription($id: ID!) {
  testDataSubscription(id: $id) {
    ok
    statusCode
    latencyMs
    errorCode
    errorMessage
  }
}
    `) as unknown as TypedDocumentString<TestSubscriptionMutation, TestSubscriptionMutationVariables>;
export const RetryOfSubscriptionDocument = new TypedDocumentString(`
    query RetryOfSubscription($id: ID!) {
  dataSubscription(id: $id) {
    retry {
      maxRetries
      baseDelayMs
      maxDelayMs
      jitter
    }
  }
}
    `) as unknown as TypedDocumentString<RetryOfSubscriptionQuery, RetryOfSubscriptionQueryVariables>;
export const UpdateSubscriptionDocument = new TypedDocumentString(`
    mutation UpdateSubscription($id: ID!, $input: UpdateDataSubscriptionInput!) {
  updateDataSubscription(id: $id, input: $input) {
    id
    name
    targetSystem
    eventTypes
    sourceSystems
    companyIds
    mode
    batchCron
    state
    webhookUrl
    consistencyUrl
    autoFix
    batchSize
    batchMaxBytes
    maxInFlight
    shards
    rateLimitPerSecond
    timeoutMs
    ackTimeoutMs
    payloadQuery
    retry {
      maxRetries
      baseDelayMs
      maxDelayMs
      jitter
    }
    backlog
    warnings
  }
}
    `) as unknown as TypedDocumentString<UpdateSubscriptionMutation, UpdateSubscriptionMutationVariables>;
export const TailGreetingDocument = new TypedDocumentString(`
    query TailGreeting {
  __typename
}
    `) as unknown as TypedDocumentString<TailGreetingQuery, TailGreetingQueryVariables>;
export const TailChangesDocument = new TypedDocumentString(`
    subscription TailChanges($filter: SyncLogFilter!) {
  syncLogChanged(filter: $filter) {
    id
  }
}
    `) as unknown as TypedDocumentString<TailChangesSubscription, TailChangesSubscriptionVariables>;
export const TailSyncsDocument = new TypedDocumentString(`
    query TailSyncs($filter: SyncLogFilter!, $first: Int!, $after: String) {
  syncLogs(filter: $filter, first: $first, after: $after) {
    pageInfo {
      hasNextPage
      endCursor
    }
    edges {
      node {
        id
        mode
        status
        transport
        retryCount
        nextAttemptAt
        errorCode
        errorMessage
        createdAt
        syncStartedAt
        syncCompletedAt
        latencyMs
        subscription {
          id
          name
          targetSystem
        }
        event {
          id
          eventType
          sourceVersion
          voucher {
            id
            sourceSystem
            sourceModule
            sourceId
          }
        }
        attempts {
          number
          startedAt
          durationMs
          statusCode
          errorCode
          responseExcerpt
        }
      }
    }
  }
}
    `) as unknown as TypedDocumentString<TailSyncsQuery, TailSyncsQueryVariables>;