import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { JsonObject, RecordOutcome, SyncMode, VoucherDirection, VoucherStatus } from '../core/model.ts';
import { RecordOutcomeEnum, SyncModeEnum, VoucherDirectionEnum, VoucherStatusEnum } from './enums.ts';
import { ListSize } from './list-size.ts';
import { PageInfo } from './page.types.ts';
import { DateScalar, DateTimeScalar, DecimalScalar, JSONObjectScalar } from './scalars.ts';

/** GraphQL: the current state of a source record. */
@ObjectType({ description: 'The current state of one source record (one contract, one invoice …).' })
export class Voucher {
  @Field(() => ID) id!: string;
  @Field(() => String) voucherNo!: string;
  @Field(() => DateScalar) voucherDate!: string;
  @Field(() => String) sourceSystem!: string;
  @Field(() => String) sourceModule!: string;
  @Field(() => String) sourceType!: string;
  @Field(() => String) sourceId!: string;
  @Field(() => String, { nullable: true }) sourceReferenceNo?: string | null;
  @Field(() => Int) sourceVersion!: number;
  @Field(() => String, { nullable: true }) companyId?: string | null;
  @Field(() => String, { nullable: true }) counterpartyType?: string | null;
  @Field(() => String, { nullable: true }) counterpartyId?: string | null;
  @Field(() => String, { nullable: true }) counterpartyName?: string | null;
  @Field(() => VoucherDirectionEnum) direction!: VoucherDirection;
  @Field(() => DecimalScalar) amount!: string;
  @Field(() => String) currency!: string;
  @Field(() => String, { nullable: true }) summary?: string | null;
  /** Undefined where it was not read with the rest. */
  businessData?: JsonObject;
  @Field(() => VoucherStatusEnum) status!: VoucherStatus;
  @Field(() => String, {
    description: 'SHA-256 (hex) of the content that a consumer must hold to be consistent.',
  })
  digest!: string;
  @Field(() => String, { nullable: true }) createdBy?: string | null;
  @Field(() => DateTimeScalar) createdAt?: Date;
  @Field(() => DateTimeScalar) updatedAt?: Date;
}

/** GraphQL: one immutable version of a voucher. `voucherId` is not part of the API. */
@ObjectType({ description: 'One immutable thing that happened to a voucher; what is delivered.' })
export class VoucherEvent {
  @Field(() => ID) id!: string;
  voucherId!: string;
  @Field(() => String) eventType!: string;
  @Field(() => Int) sourceVersion!: number;
  /** Undefined where it was not read with the rest. */
  data?: JsonObject;
  @Field(() => DateTimeScalar) occurredAt!: Date;
  @Field(() => DateTimeScalar) recordedAt!: Date;
  /** The voucher as it was in this version, where the event is one that is pushed. */
  frozenVoucher?: Voucher;
}

/** GraphQL: a voucher to be recorded. */
@InputType()
export class RecordVoucherInput {
  @Field(() => String, {
    description: 'A name from the catalogue (query eventTypes), e.g. invoice_recorded.',
  })
  eventType!: string;
  @Field(() => String, {
    description: 'The system that the voucher comes from; a PUBLISHER key is bound to one.',
  })
  sourceSystem!: string;
  @Field(() => String, {
    description: 'The module of that system. With sourceSystem and sourceId it names the source record.',
  })
  sourceModule!: string;
  @Field(() => String, { description: 'The kind of record in that module, e.g. sales_invoice.' })
  sourceType!: string;
  @Field(() => String, { description: 'The id of the record in its module; 1 to 200 characters.' })
  sourceId!: string;
  @Field(() => String, {
    nullable: true,
    description: 'The number that people know the record by, e.g. of the invoice.',
  })
  sourceReferenceNo?: string | null;
  @Field(() => Int, {
    nullable: true,
    description:
      'A whole number, 1 to 9007199254740991. Left out: one more than the version known, if the content differs.',
  })
  sourceVersion?: number | null;
  @Field(() => DateScalar, { nullable: true, description: 'Left out: today in the business time zone.' })
  voucherDate?: string | null;
  @Field(() => String, {
    nullable: true,
    description:
      'The company (legal entity) that the voucher belongs to; subscriptions may be limited to some.',
  })
  companyId?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The kind of counterparty, e.g. customer or supplier.',
  })
  counterpartyType?: string | null;
  @Field(() => String, { nullable: true, description: 'The id of the counterparty in the source system.' })
  counterpartyId?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'The name of the counterparty; up to 2,000 characters.',
  })
  counterpartyName?: string | null;
  @Field(() => VoucherDirectionEnum, { description: 'DEBIT or CREDIT, as the source system books it.' })
  direction!: VoucherDirection;
  @Field(() => DecimalScalar, {
    description:
      'An exact decimal as a string: up to 30 digits before the point and 10 after it. It may be negative.',
  })
  amount!: string;
  @Field(() => String, { description: 'ISO 4217.' }) currency!: string;
  @Field(() => String, { nullable: true, description: 'A text for people; up to 2,000 characters.' })
  summary?: string | null;
  @Field(() => JSONObjectScalar, {
    description:
      'The business data of the event, as JSON: up to 1 MiB and 64 levels. It must fit the schema of the event type. Numbers that a double does not hold and keys that stand twice are refused.',
  })
  businessData!: JsonObject;
  @Field(() => VoucherStatusEnum, {
    nullable: true,
    defaultValue: VoucherStatusEnum.APPROVED,
    description: 'DRAFT, APPROVED or VOIDED.',
  })
  status?: VoucherStatus | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Left out: the time of recording.' })
  occurredAt?: Date | null;
  @Field(() => String, { nullable: true, description: 'The user who made it in the source system.' })
  createdBy?: string | null;
}

/** GraphQL: what recording came to. `voucherId` and `eventId` are not part of the API. */
@ObjectType()
export class RecordVoucherResult {
  voucherId!: string;
  eventId!: string | null;
  @Field(() => RecordOutcomeEnum) outcome!: RecordOutcome;
  @Field(() => Int, { description: 'How many subscriptions it goes to.' }) deliveries!: number;
}

/** GraphQL: why an item was refused. */
@ObjectType()
export class ItemError {
  @Field(() => String, { description: 'BAD_USER_INPUT, CONFLICT, FORBIDDEN …' }) code!: string;
  @Field(() => String) message!: string;
  @Field(() => String, { nullable: true, description: 'The input field at fault, e.g. amount.' }) field?:
    | string
    | null;
}

/** GraphQL: one item of `recordVouchers`. */
@ObjectType()
export class RecordVouchersItem {
  @Field(() => Int) index!: number;
  @Field(() => RecordVoucherResult, { nullable: true, description: 'Null where this item was refused.' })
  result?: RecordVoucherResult | null;
  @Field(() => ItemError, { nullable: true }) error?: ItemError | null;
}

/** GraphQL: an entry of the catalogue. */
@ObjectType()
export class EventType {
  @Field(() => String) name!: string;
  @Field(() => String, { nullable: true }) description?: string | null;
  @Field(() => SyncModeEnum, {
    description: 'How it is delivered where a subscription does not say otherwise.',
  })
  mode!: SyncMode;
  @Field(() => JSONObjectScalar, {
    nullable: true,
    description: 'JSON Schema (draft 2020-12) that businessData must satisfy; null: anything.',
  })
  schema?: JsonObject | null;
}

/** GraphQL: what vouchers are asked for. */
@InputType()
export class VoucherFilter {
  @Field(() => String, { nullable: true, description: 'Only vouchers of this system.' }) sourceSystem?:
    | string
    | null;
  @Field(() => String, { nullable: true, description: 'Only vouchers of this module.' }) sourceModule?:
    | string
    | null;
  @Field(() => [String], { nullable: true, description: 'Only records with one of these ids; up to 1,000.' })
  sourceIds?: string[] | null;
  @Field(() => String, { nullable: true, description: 'Only vouchers of this company.' }) companyId?:
    | string
    | null;
  @Field(() => String, { nullable: true, description: 'Only vouchers with this counterparty.' })
  counterpartyId?: string | null;
  @Field(() => DateScalar, { nullable: true, description: 'Dated on this day or later.' }) voucherDateFrom?:
    | string
    | null;
  @Field(() => DateScalar, { nullable: true, description: 'Dated on this day or earlier.' }) voucherDateTo?:
    | string
    | null;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description:
      'Changed at this instant or later. A change can become visible up to a minute after its updatedAt: whoever reads on from the newest updatedAt asks from two minutes before it, and meets some vouchers again.',
  })
  updatedFrom?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Changed at this instant or earlier.' })
  updatedTo?: Date | null;
}

/** GraphQL: a voucher and its place in a list. */
@ObjectType()
export class VoucherEdge {
  @Field(() => String) cursor!: string;
  @Field(() => Voucher) node!: Voucher;
}

/** GraphQL: a page of vouchers. `count` answers `totalCount`, only when asked. */
@ObjectType()
export class VoucherConnection {
  @ListSize(1)
  @Field(() => [VoucherEdge])
  edges!: VoucherEdge[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
  count!: () => Promise<number>;
}

/** GraphQL: a version of a voucher and its place in a list. */
@ObjectType()
export class VoucherEventEdge {
  @Field(() => String) cursor!: string;
  @Field(() => VoucherEvent) node!: VoucherEvent;
}

/** GraphQL: a page of versions. `count` answers `totalCount`, only when asked. */
@ObjectType()
export class VoucherEventConnection {
  @ListSize(1)
  @Field(() => [VoucherEventEdge])
  edges!: VoucherEventEdge[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
  count!: () => Promise<number>;
}

/** GraphQL: names one source record. */
@InputType()
export class VoucherRef {
  @Field(() => String, { description: 'The system of the record.' }) sourceSystem!: string;
  @Field(() => String, { description: 'Its module.' }) sourceModule!: string;
  @Field(() => String, { description: 'Its id in that module.' }) sourceId!: string;
}

/** GraphQL: what a consumer compares its copy of a record with. */
@ObjectType()
export class VoucherVersion {
  @Field(() => String) sourceSystem!: string;
  @Field(() => String) sourceModule!: string;
  @Field(() => String) sourceId!: string;
  @Field(() => Int) sourceVersion!: number;
  @Field(() => String) digest!: string;
  @Field(() => VoucherStatusEnum) status!: VoucherStatus;
  @Field(() => DateTimeScalar) updatedAt!: Date;
}
