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

export type SyncMode =
  | 'BATCH'
  | 'COMPENSATION'
  | 'REALTIME';

export type VoucherDirection =
  | 'CREDIT'
  | 'DEBIT';

export type VoucherRef = {
  /** Its id in that module. */
  sourceId: string;
  /** Its module. */
  sourceModule: string;
  /** The system of the record. */
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
