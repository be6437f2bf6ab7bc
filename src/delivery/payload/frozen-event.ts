import { pythonJson } from '@voucher-hub/client/wire';
import type { JsonObject, VoucherDirection, VoucherStatus } from '../../core/model.ts';

/** An event as it was frozen when it was recorded; a claimed sync carries one. */
export interface FrozenEvent {
  readonly eventId: string;
  readonly voucherId: string;
  readonly eventType: string;
  /** Milliseconds since 1970, whole; as `recordedAtMs`. */
  readonly occurredAtMs: number;
  readonly recordedAtMs: number;
  /** The business data: JSON text. */
  readonly dataJson: string;
  /** The voucher as the webhook's body has it: JSON text. */
  readonly voucherJson: string;
}

/** The voucher as it stands there (contract, "The webhook": snake case, enums in lower case). */
interface WireVoucher {
  voucher_no: string;
  voucher_date: string;
  source_system: string;
  source_module: string;
  source_type: string;
  source_id: string;
  source_reference_no: string | null;
  source_version: number;
  company_id: string | null;
  counterparty_type: string | null;
  counterparty_id: string | null;
  counterparty_name: string | null;
  direction: VoucherDirection;
  amount: string;
  currency: string;
  summary: string | null;
  status: VoucherStatus;
  digest: string;
}

/** Gives what is frozen of a voucher beside its business data, under GraphQL's names: for every way that serves it. */
export function frozenVoucher({ voucherJson }: Pick<FrozenEvent, 'voucherJson'>) {
  const wire: WireVoucher = JSON.parse(voucherJson);
  return {
    voucherNo: wire.voucher_no,
    voucherDate: wire.voucher_date,
    sourceSystem: wire.source_system,
    sourceModule: wire.source_module,
    sourceType: wire.source_type,
    sourceId: wire.source_id,
    sourceReferenceNo: wire.source_reference_no,
    sourceVersion: wire.source_version,
    companyId: wire.company_id,
    counterpartyType: wire.counterparty_type,
    counterpartyId: wire.counterparty_id,
    counterpartyName: wire.counterparty_name,
    direction: wire.direction,
    amount: wire.amount,
    currency: wire.currency,
    summary: wire.summary,
    status: wire.status,
    digest: wire.digest,
  };
}

/** Reads one frozen event: its texts are parsed once, and only if something of them is asked for. */
export class EventReading {
  readonly event: FrozenEvent;
  #data: JsonObject | undefined;
  #voucher: ReturnType<typeof frozenVoucher> | undefined;
  #dataReads = 0;

  constructor(event: FrozenEvent) {
    this.event = event;
  }

  /** Says how often the business data was asked for: so often it stands in the result. */
  get dataReads(): number {
    return this.#dataReads;
  }

  /** The business data, its numbers as intake stored them. */
  data(): JsonObject {
    this.#dataReads += 1;
    this.#data ??= objectOf(this.event.dataJson);
    return this.#data;
  }

  /** The voucher under GraphQL's names. */
  get voucher(): ReturnType<typeof frozenVoucher> {
    this.#voucher ??= frozenVoucher(this.event);
    return this.#voucher;
  }
}

type Reader = (reading: EventReading) => unknown;

/** A made-up event with all that is frozen. */
export const sampleEvent: FrozenEvent = {
  eventId: '1',
  voucherId: '1',
  eventType: 'invoice_recorded',
  occurredAtMs: Date.UTC(2025, 11, 19, 8),
  recordedAtMs: Date.UTC(2025, 11, 19, 8),
  dataJson: '{"invoice_no": "INV-1"}',
  voucherJson: pythonJson({
    voucher_no: 'V20251219-00000001',
    voucher_date: '2025-12-19',
    source_system: 'settlement',
    source_module: 'invoice',
    source_type: 'sales_invoice',
    source_id: 'INV-1',
    source_reference_no: null,
    source_version: 1,
    company_id: null,
    counterparty_type: null,
    counterparty_id: null,
    counterparty_name: null,
    direction: 'debit',
    amount: '100.50',
    currency: 'CNY',
    summary: null,
    status: 'approved',
    digest: '00',
  }),
};

const voucherReaders = Object.keys(frozenVoucher(sampleEvent)).map((field): [string, Reader] => [
  field,
  reading => Reflect.get(reading.voucher, field),
]);

/** Holds what is frozen with an event, by GraphQL type and field, and how it is read; nothing else may be selected. */
export const frozenFields: Readonly<Record<string, ReadonlyMap<string, Reader>>> = {
  VoucherEvent: new Map<string, Reader>([
    ['id', ({ event }) => event.eventId],
    ['eventType', ({ event }) => event.eventType],
    ['sourceVersion', reading => reading.voucher.sourceVersion],
    ['data', reading => reading.data()],
    ['occurredAt', ({ event }) => new Date(event.occurredAtMs).toISOString()],
    ['recordedAt', ({ event }) => new Date(event.recordedAtMs).toISOString()],
    ['voucher', reading => reading],
  ]),
  Voucher: new Map<string, Reader>([
    ['id', ({ event }) => event.voucherId],
    ...voucherReaders,
    ['direction', reading => enumName(reading.voucher.direction)],
    ['status', reading => enumName(reading.voucher.status)],
    ['businessData', reading => reading.data()],
  ]),
};

/** A GraphQL enum's name of what is lower case in the model. */
function enumName(value: unknown): unknown {
  return typeof value === 'string' ? value.toUpperCase() : value;
}

function objectOf(text: string): JsonObject {
  return JSON.parse(text);
}
