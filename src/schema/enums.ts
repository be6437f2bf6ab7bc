import { registerEnumType } from 'type-graphql';

/** The GraphQL enums: names for callers, values as the domain and the database spell them. */
export const VoucherDirectionEnum = { DEBIT: 'debit', CREDIT: 'credit' } as const;
export const VoucherStatusEnum = { DRAFT: 'draft', APPROVED: 'approved', VOIDED: 'voided' } as const;
export const SyncModeEnum = { REALTIME: 'realtime', BATCH: 'batch', COMPENSATION: 'compensation' } as const;
export const RecordOutcomeEnum = {
  CREATED: 'created',
  UPDATED: 'updated',
  DUPLICATE: 'duplicate',
  STALE: 'stale',
} as const;
export const TransportEnum = { WEBSOCKET: 'websocket', WEBHOOK: 'webhook' } as const;
export const DataSubscriptionStateEnum = {
  ACTIVE: 'active',
  PAUSED: 'paused',
  SUSPENDED: 'suspended',
} as const;
export const SyncStatusEnum = {
  PENDING: 'pending',
  PROCESSING: 'processing',
  RETRYING: 'retrying',
  SUCCESS: 'success',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
} as const;
export const CompensationKindEnum = { RETRY: 'retry', CANCEL: 'cancel', RESYNC: 'resync' } as const;
export const CompensationStateEnum = { RUNNING: 'running', DONE: 'done', FAILED: 'failed' } as const;
export const DifferenceKindEnum = {
  MISSING: 'missing',
  STALE: 'stale',
  DIVERGENT: 'divergent',
  UNEXPECTED: 'unexpected',
} as const;
export const ConsistencyStateEnum = { RUNNING: 'running', DONE: 'done', FAILED: 'failed' } as const;
export const RoleEnum = {
  PUBLISHER: 'publisher',
  SUBSCRIBER: 'subscriber',
  ANALYST: 'analyst',
  ADMIN: 'admin',
} as const;
export const AlertSeverityEnum = { CRITICAL: 'critical', WARNING: 'warning', INFO: 'info' } as const;
export const AlertStateEnum = { FIRING: 'firing', RESOLVED: 'resolved' } as const;
export const AlertScopeEnum = { SUBSCRIPTION: 'subscription', OVERALL: 'overall' } as const;
export const AlertNoticeKindEnum = {
  FIRING: 'firing',
  ESCALATED: 'escalated',
  RESOLVED: 'resolved',
} as const;
export const AlertNoticeStatusEnum = { WAITING: 'waiting', SENT: 'sent', FAILED: 'failed' } as const;

registerEnumType(VoucherDirectionEnum, { name: 'VoucherDirection' });
registerEnumType(VoucherStatusEnum, { name: 'VoucherStatus' });
registerEnumType(CompensationKindEnum, { name: 'CompensationKind' });
registerEnumType(CompensationStateEnum, { name: 'CompensationState' });
registerEnumType(SyncModeEnum, { name: 'SyncMode' });
registerEnumType(TransportEnum, { name: 'Transport' });
registerEnumType(RecordOutcomeEnum, {
  name: 'RecordOutcome',
  valuesConfig: {
    CREATED: { description: 'First time that this source record is seen.' },
    UPDATED: { description: 'A newer version of a known source record.' },
    DUPLICATE: { description: 'The same content again: nothing recorded, nothing delivered.' },
    STALE: { description: 'An older version than the one known: kept in the event history, not delivered.' },
  },
});
registerEnumType(DataSubscriptionStateEnum, {
  name: 'DataSubscriptionState',
  valuesConfig: {
    PAUSED: { description: 'By an operator: nothing is attempted, everything is kept.' },
    SUSPENDED: { description: 'By the circuit breaker: the target is down. Everything is kept.' },
  },
});
registerEnumType(SyncStatusEnum, {
  name: 'SyncStatus',
  valuesConfig: {
    RETRYING: { description: 'Failed, and will be tried again by itself.' },
    FAILED: { description: 'Waits for a person: retries used up, or refused for good.' },
  },
});
registerEnumType(ConsistencyStateEnum, { name: 'ConsistencyState' });
registerEnumType(DifferenceKindEnum, {
  name: 'DifferenceKind',
  valuesConfig: {
    MISSING: { description: 'The consumer does not have it.' },
    STALE: { description: 'The consumer has an older version.' },
    DIVERGENT: { description: 'Same version, other content; or a later version than the hub has.' },
    UNEXPECTED: { description: 'The consumer has what the hub does not.' },
  },
});
registerEnumType(RoleEnum, {
  name: 'Role',
  valuesConfig: {
    PUBLISHER: { description: 'Records vouchers of its own system.' },
    SUBSCRIBER: { description: 'Manages and consumes the subscriptions of its own system.' },
    ANALYST: { description: 'Reads everything but secrets.' },
    ADMIN: { description: 'Everything.' },
  },
});
registerEnumType(AlertSeverityEnum, { name: 'AlertSeverity' });
registerEnumType(AlertStateEnum, { name: 'AlertState' });
registerEnumType(AlertScopeEnum, {
  name: 'AlertScope',
  valuesConfig: { OVERALL: { description: 'All subscriptions together.' } },
});
registerEnumType(AlertNoticeKindEnum, {
  name: 'AlertNotificationKind',
  valuesConfig: {
    FIRING: { description: 'It fires, or got worse.' },
    ESCALATED: { description: 'Nobody acknowledged it in time.' },
  },
});
registerEnumType(AlertNoticeStatusEnum, {
  name: 'AlertNotificationStatus',
  valuesConfig: {
    WAITING: { description: 'To be sent, or to be sent again.' },
    FAILED: { description: 'Given up.' },
  },
});
