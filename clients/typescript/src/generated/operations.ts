/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { JsonObject } from '../python-json.ts';
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
  amount: string;
  businessData: Record<string, unknown>;
  companyId?: string | null | undefined;
  counterpartyId?: string | null | undefined;
  counterpartyName?: string | null | undefined;
  counterpartyType?: string | null | undefined;
  createdBy?: string | null | undefined;
  /** ISO 4217. */
  currency: string;
  direction: VoucherDirection;
  eventType: string;
  /** Left out: the time of recording. */
  occurredAt?: string | null | undefined;
  sourceId: string;
  sourceModule: string;
  sourceReferenceNo?: string | null | undefined;
  sourceSystem: string;
  sourceType: string;
  /** Left out: one more than the version known, if the content differs. */
  sourceVersion?: number | null | undefined;
  status?: VoucherStatus | null | undefined;
  summary?: string | null | undefined;
  /** Left out: today in the business time zone. */
  voucherDate?: string | null | undefined;
};

export type SyncMode =
  | 'BATCH'
  | 'COMPENSATION'
  | 'REALTIME';

export type VoucherDirection =
  | 'CREDIT'
  | 'DEBIT';

export type VoucherRef = {
  sourceId: string;
  sourceModule: string;
  sourceSystem: string;
};

export type VoucherStatus =
  | 'APPROVED'
  | 'DRAFT'
  | 'VOIDED';

export type CacheVersionsQueryVariables = Exact<{
  refs: Array<VoucherRef> | VoucherRef;
}>;


export type CacheVersionsQuery = { voucherVersions: Array<{ sourceVersion: number, digest: string } | null> };

export type CacheVoucherQueryVariables = Exact<{
  sourceSystem: string;
  sourceModule: string;
  sourceId: string;
}>;


export type CacheVoucherQuery = { voucherBySource: { id: string, voucherNo: string, voucherDate: string, sourceSystem: string, sourceModule: string, sourceType: string, sourceId: string, sourceReferenceNo: string | null, sourceVersion: number, companyId: string | null, counterpartyType: string | null, counterpartyId: string | null, counterpartyName: string | null, direction: VoucherDirection, amount: string, currency: string, summary: string | null, status: VoucherStatus, digest: string, businessData: JsonObject } | null };

export type ConsistencyQuestionsSubscriptionVariables = Exact<{
  subscriptionId: string | number;
}>;


export type ConsistencyQuestionsSubscription = { consistencyQuestions: { id: string, event: string, from: string | null, to: string | null, prefixes: Array<string> } };

export type AnswerConsistencyMutationVariables = Exact<{
  questionId: string | number;
  answer: Record<string, unknown>;
}>;


export type AnswerConsistencyMutation = { answerConsistency: boolean };

export type AcknowledgeMutationVariables = Exact<{
  syncIds: Array<string | number> | string | number;
}>;


export type AcknowledgeMutation = { acknowledge: number };

export type AcknowledgeWithReceiptsMutationVariables = Exact<{
  syncIds: Array<string | number> | string | number;
  receipts: Array<string | null | undefined> | string;
}>;


export type AcknowledgeWithReceiptsMutation = { acknowledge: number };

export type RejectMutationVariables = Exact<{
  syncId: string | number;
  code: string;
  message?: string | null | undefined;
  retryable: boolean;
}>;


export type RejectMutation = { reject: { id: string } };

export type DeliveriesSubscriptionVariables = Exact<{
  subscriptionId: string | number;
  prefetch: number;
}>;


export type DeliveriesSubscription = { deliveries: { syncId: string, attempt: number, mode: SyncMode, ackDeadline: string, event: { id: string, eventType: string, data: JsonObject, occurredAt: string, voucher: { id: string, voucherNo: string, voucherDate: string, sourceSystem: string, sourceModule: string, sourceType: string, sourceId: string, sourceReferenceNo: string | null, sourceVersion: number, companyId: string | null, counterpartyType: string | null, counterpartyId: string | null, counterpartyName: string | null, direction: VoucherDirection, amount: string, currency: string, summary: string | null, status: VoucherStatus, digest: string } } } };

export type RecordBatchMutationVariables = Exact<{
  inputs: Array<RecordVoucherInput> | RecordVoucherInput;
}>;


export type RecordBatchMutation = { recordVouchers: Array<{ index: number, result: { outcome: RecordOutcome } | null, error: { code: string, message: string, field: string | null } | null }> };
