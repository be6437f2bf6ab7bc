import type { TestHub } from './hub.ts';
import { until } from './wait.ts';

/** A voucher that the hub takes; give what differs. */
export function voucherInput(over: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    eventType: 'invoice_recorded',
    sourceSystem: 'settlement',
    sourceModule: 'invoice',
    sourceType: 'sales_invoice',
    sourceId: 'INV-1',
    voucherDate: '2025-12-19',
    companyId: '1',
    direction: 'DEBIT',
    amount: '100.00',
    currency: 'CNY',
    businessData: { invoice_no: 'INV-1' },
    ...over,
  };
}

/** Holds what recording came to, as the tests read it. */
export interface RecordedItem {
  index: number;
  result: {
    outcome: string;
    deliveries: number;
    voucher: { id: string; sourceVersion: number };
    event: { id: string } | null;
  } | null;
  error: { code: string; message: string; field: string | null } | null;
}

const recordMany = `mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) {
  index result { outcome deliveries voucher { id sourceVersion } event { id } } error { code message field } } }`;

/** Records vouchers over GraphQL. */
export async function recordVouchers(
  hub: Pick<TestHub, 'data'>,
  inputs: Record<string, unknown>[],
  key?: string,
): Promise<RecordedItem[]> {
  const { recordVouchers: items } = await hub.data<{ recordVouchers: RecordedItem[] }>(
    recordMany,
    { inputs },
    key,
  );
  return items;
}

/**
 * Makes a subscription; gives its id and secret. Asks again while the hub says that too much waits, as a busy machine
 * makes it.
 */
export async function subscribe(
  hub: Pick<TestHub, 'data'>,
  input: Record<string, unknown>,
  key?: string,
): Promise<{ id: string; secret: string }> {
  const ask = () =>
    hub.data<{ createDataSubscription: { secret: string; subscription: { id: string } } }>(
      `mutation ($input: CreateDataSubscriptionInput!) { createDataSubscription(input: $input) { secret subscription { id } } }`,
      { input: { name: 'tax', targetSystem: 'tax', eventTypes: ['*'], ...input } },
      key,
    );
  const isBusy = (error: unknown) => error instanceof Error && error.message.includes('"code":"UNAVAILABLE"');
  const { createDataSubscription: made } = await until('a subscription is made', () =>
    ask().catch((error: unknown) => {
      if (isBusy(error)) return null;
      throw error;
    }),
  );
  return { id: made.subscription.id, secret: made.secret };
}

/** A sync as the tests read it. */
export interface SyncView {
  id: string;
  status: string;
  mode: string;
  retryCount: number;
  errorCode: string | null;
  nextAttemptAt: string | null;
  attempts: {
    number: number;
    statusCode: number | null;
    errorCode: string | null;
    responseExcerpt: string | null;
  }[];
  event: { voucher: { sourceId: string }; sourceVersion: number };
}

/** All syncs that fit a filter, the oldest first (500 at most). */
export async function syncsOf(
  hub: Pick<TestHub, 'data'>,
  filter: Record<string, unknown> = {},
): Promise<SyncView[]> {
  const { syncLogs } = await hub.data<{ syncLogs: { edges: { node: SyncView }[] } }>(
    `query ($filter: SyncLogFilter) { syncLogs(filter: $filter, first: 500) { edges { node { id status mode retryCount errorCode nextAttemptAt
      attempts { number statusCode errorCode responseExcerpt } event { sourceVersion voucher { sourceId } } } } } }`,
    { filter },
  );
  return syncLogs.edges.map(edge => edge.node).reverse();
}
