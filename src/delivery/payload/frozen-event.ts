import type { JsonObject } from '../../core/model.ts';

/** An event as it was frozen when it was recorded; a claimed sync carries one. */
export interface FrozenEvent {
  readonly eventId: string;
  readonly voucherId: string;
  readonly eventType: string;
  /** ISO 8601, UTC, milliseconds; as `recordedAt`. */
  readonly occurredAt: string;
  readonly recordedAt: string;
  /** The business data: JSON text. */
  readonly dataJson: string;
  /** The voucher as the webhook's body has it: JSON text. */
  readonly voucherJson: string;
}

/** Reads one frozen event: its texts are parsed once, and only if something of them is asked for. */
export class EventReading {
  readonly event: FrozenEvent;
  #data: JsonObject | undefined;
  #voucher: JsonObject | undefined;
  #dataReads = 0;

  constructor(event: FrozenEvent) {
    this.event = event;
  }

  /** How often the business data was asked for: so often it stands in the result. */
  get dataReads(): number {
    return this.#dataReads;
  }

  /** The business data, its numbers as intake stored them. */
  data(): JsonObject {
    this.#dataReads += 1;
    this.#data ??= objectOf(this.event.dataJson);
    return this.#data;
  }

  /** A field of the voucher, by its name in the webhook's body. */
  voucher(column: string): unknown {
    this.#voucher ??= objectOf(this.event.voucherJson);
    return this.#voucher[column];
  }

  /** As `voucher`, for what is lower case there and a GraphQL enum here. */
  voucherEnum(column: string): unknown {
    const value = this.voucher(column);
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

type Reader = (reading: EventReading) => unknown;

/** Fields of a voucher that stand in the webhook's body under another spelling. */
const voucherColumns: Record<string, string> = {
  voucherNo: 'voucher_no',
  voucherDate: 'voucher_date',
  sourceSystem: 'source_system',
  sourceModule: 'source_module',
  sourceType: 'source_type',
  sourceId: 'source_id',
  sourceReferenceNo: 'source_reference_no',
  sourceVersion: 'source_version',
  companyId: 'company_id',
  counterpartyType: 'counterparty_type',
  counterpartyId: 'counterparty_id',
  counterpartyName: 'counterparty_name',
  amount: 'amount',
  currency: 'currency',
  summary: 'summary',
  digest: 'digest',
};

const voucherReaders = Object.entries(voucherColumns).map(([field, column]): [string, Reader] => [
  field,
  reading => reading.voucher(column),
]);

/** What is frozen with an event, by GraphQL type and field, and how it is read; nothing else may be selected. */
export const frozenFields: Readonly<Record<string, ReadonlyMap<string, Reader>>> = {
  VoucherEvent: new Map<string, Reader>([
    ['id', ({ event }) => event.eventId],
    ['eventType', ({ event }) => event.eventType],
    ['sourceVersion', reading => reading.voucher('source_version')],
    ['data', reading => reading.data()],
    ['occurredAt', ({ event }) => event.occurredAt],
    ['recordedAt', ({ event }) => event.recordedAt],
    ['voucher', reading => reading],
  ]),
  Voucher: new Map<string, Reader>([
    ['id', ({ event }) => event.voucherId],
    ...voucherReaders,
    ['direction', reading => reading.voucherEnum('direction')],
    ['status', reading => reading.voucherEnum('status')],
    ['businessData', reading => reading.data()],
  ]),
};

function objectOf(text: string): JsonObject {
  return JSON.parse(text);
}
