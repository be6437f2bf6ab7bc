import { Field, ID, InputType, Int, ObjectType } from 'type-graphql';
import type { SyncMode, SyncStatus, TransportKind } from '../core/model.ts';
import { SyncModeEnum, SyncStatusEnum, TransportEnum } from './enums.ts';
import { ListSize } from './list-size.ts';
import { PageInfo } from './page.types.ts';
import { DateTimeScalar } from './scalars.ts';

/** GraphQL: one sync. The ids of what it joins, and how many attempts it had, are not part of the API. */
@ObjectType({ description: 'One event on its way to one subscription, from recorded to done.' })
export class SyncLog {
  @Field(() => ID) id!: string;
  eventId!: string;
  voucherId!: string;
  subscriptionId!: string;
  @Field(() => SyncModeEnum) mode!: SyncMode;
  @Field(() => SyncStatusEnum) status!: SyncStatus;
  @Field(() => TransportEnum, { nullable: true, description: 'The transport of the last attempt.' })
  transport?: TransportKind | null;
  @Field(() => Int) retryCount!: number;
  attemptCount!: number;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description:
      'From when on it may be tried; null: it is over. A past time means that it is due: its subscription may be paused, suspended or held, or have no consumer attached.',
  })
  nextAttemptAt?: Date | null;
  @Field(() => String, {
    nullable: true,
    description: 'ECONNREFUSED, ETIMEDOUT, HTTP_400, ACK_TIMEOUT …; null when none failed.',
  })
  errorCode?: string | null;
  @Field(() => String, { nullable: true }) errorMessage?: string | null;
  @Field(() => DateTimeScalar) createdAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) syncStartedAt?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) syncCompletedAt?: Date | null;
  @Field(() => String, {
    nullable: true,
    description: 'The OpenTelemetry trace of the mutation that recorded the event; null: none was recorded.',
  })
  traceId?: string | null;
}

/** GraphQL: one attempt of a sync. */
@ObjectType()
export class SyncAttempt {
  @Field(() => Int) number!: number;
  @Field(() => TransportEnum) transport!: TransportKind;
  @Field(() => DateTimeScalar) startedAt!: Date;
  @Field(() => Int) durationMs!: number;
  @Field(() => Int, { nullable: true }) statusCode?: number | null;
  @Field(() => String, { nullable: true }) errorCode?: string | null;
  @Field(() => String, { nullable: true }) errorMessage?: string | null;
  @Field(() => String, { nullable: true, description: 'The first part of what the target answered.' })
  responseExcerpt?: string | null;
  /** SHA-256. */
  digest?: Uint8Array | null;
  receipt?: string | null;
  receiptValid?: boolean | null;
}

/** GraphQL: what a consumer returned for what it was sent. */
@ObjectType()
export class Receipt {
  @Field(() => String) value!: string;
  @Field(() => Boolean, {
    description: "Whether it is the HMAC of the body's digest under the subscription's secret of the time.",
  })
  valid!: boolean;
}

/** GraphQL: which syncs are meant. */
@InputType()
export class SyncLogFilter {
  @Field(() => [ID], { nullable: true, description: 'Only these syncs; up to 1,000.' }) ids?: string[] | null;
  @Field(() => ID, { nullable: true, description: 'Only what goes to this subscription.' }) subscriptionId?:
    | string
    | null;
  @Field(() => [SyncStatusEnum], { nullable: true, description: 'Only syncs in one of these states.' })
  statuses?: SyncStatus[] | null;
  @Field(() => [SyncModeEnum], { nullable: true, description: 'Only syncs of these modes.' }) modes?:
    | SyncMode[]
    | null;
  @Field(() => [TransportEnum], {
    nullable: true,
    description: 'Only syncs whose last attempt went this way.',
  })
  transports?: TransportKind[] | null;
  @Field(() => [String], { nullable: true, description: 'Only events of these types.' }) eventTypes?:
    | string[]
    | null;
  @Field(() => [String], {
    nullable: true,
    description: 'Only syncs whose last failure had one of these codes, e.g. HTTP_400.',
  })
  errorCodes?: string[] | null;
  @Field(() => String, { nullable: true, description: 'Only vouchers of this system.' }) sourceSystem?:
    | string
    | null;
  @Field(() => String, { nullable: true, description: 'Only the records with this id.' }) sourceId?:
    | string
    | null;
  @Field(() => ID, { nullable: true, description: 'Only syncs of this voucher.' }) voucherId?: string | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Recorded at this instant or later.' })
  createdFrom?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true, description: 'Recorded at this instant or earlier.' })
  createdTo?: Date | null;
}

/** GraphQL: a sync and its place in a list. */
@ObjectType()
export class SyncLogEdge {
  @Field(() => String) cursor!: string;
  @Field(() => SyncLog) node!: SyncLog;
}

/** GraphQL: a page of syncs. `count` answers `totalCount`, only when asked. */
@ObjectType()
export class SyncLogConnection {
  @ListSize(1)
  @Field(() => [SyncLogEdge])
  edges!: SyncLogEdge[];
  @Field(() => PageInfo) pageInfo!: PageInfo;
  count!: () => Promise<number>;
}
