import { createHash, createHmac } from 'node:crypto';
import fc from 'fast-check';
import type { HubEvent, HubVoucher, JsonValue, RecordVoucherInput } from '../../src/index.ts';

/** The seed of this run's properties; set FC_SEED to run the same again. */
export const seed = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** A voucher as the hub delivers it; give what differs. */
export function voucher(over: Partial<HubVoucher> = {}): HubVoucher {
  return {
    voucher_no: 'V20251219-00000001',
    voucher_date: '2025-12-19',
    source_system: 'settlement',
    source_module: 'invoice',
    source_type: 'sales_invoice',
    source_id: 'INV-1',
    source_reference_no: null,
    source_version: 1,
    company_id: '1',
    counterparty_type: null,
    counterparty_id: null,
    counterparty_name: null,
    direction: 'debit',
    amount: '100.00',
    currency: 'CNY',
    summary: null,
    status: 'approved',
    digest: createHash('sha256').update(JSON.stringify(over)).digest('hex'),
    ...over,
  };
}

/** An event of a voucher. */
export function event(
  syncId: number,
  over: Partial<HubVoucher> = {},
  mode: HubEvent['mode'] = 'realtime',
): HubEvent {
  return {
    event: 'invoice_recorded',
    event_id: syncId + 1_000,
    sync_id: syncId,
    voucher_id: 7,
    mode,
    occurred_at: '2025-12-19T08:00:00.000Z',
    data: { invoice_no: over.source_id ?? 'INV-1' },
    voucher: voucher(over),
  };
}

/** Signs a body as the contract says, written out anew: with `X-Signature` and Standard Webhooks' headers. */
export function signedHeaders(
  body: string | Buffer,
  secret: string,
  atMs: number = Date.now(),
  id = 'sync_5012',
): Record<string, string> {
  const timestamp = String(Math.floor(atMs / 1_000));
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  const standard = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
  return {
    'content-type': 'application/json',
    'x-signature': `sha256:${createHmac('sha256', secret).update(body).digest('hex')}`,
    'x-timestamp': timestamp,
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${standard}`,
  };
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map(units => String.fromCharCode(...units)),
  fc
    .array(fc.constantFrom('a', '\ud83d', '\ude00', '\ud83d\ude00', '\ue000', '\uffff', 'é', '\x7f'), {
      maxLength: 4,
    })
    .map(parts => parts.join('')),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.maxSafeInteger(),
  fc.constantFrom(
    -0,
    5e-324,
    1e21,
    1e22,
    1e16,
    0.1,
    1e-4,
    1e-5,
    1.5e-5,
    1e-6,
    1e-7,
    1e-10,
    0.00012345,
    -1e-5,
  ),
);

/** Any JSON value. Objects come from JSON.parse: only so does `__proto__` become a key of its own. */
export const anyJson: fc.Arbitrary<JsonValue> = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    fc.oneof(text, number, fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.oneof(text, fc.constant('__proto__')), tie('value')), { maxLength: 6 })
      .map(
        (entries): JsonValue =>
          JSON.parse(
            `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${JSON.stringify(item)}`).join(',')}}`,
          ),
      ),
  ),
})).value;

/** An input that the hub takes; give what differs. */
export function input(over: Partial<RecordVoucherInput> = {}): RecordVoucherInput {
  return {
    eventType: 'invoice_recorded',
    sourceSystem: 'settlement',
    sourceModule: 'invoice',
    sourceType: 'sales_invoice',
    sourceId: 'INV-1',
    voucherDate: '2025-12-19',
    direction: 'DEBIT',
    amount: '100.00',
    currency: 'CNY',
    businessData: { invoice_no: 'INV-1' },
    ...over,
  };
}
