import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { SyncMode } from '../core/model.ts';
import { SyncModeEnum } from './enums.ts';
import { DateTimeScalar } from './scalars.ts';
import { VoucherEvent } from './voucher.types.ts';

/** GraphQL: an event pushed to an attached consumer. */
@ObjectType({
  description: 'An event handed to an attached consumer; `acknowledge(syncIds: [syncId])` when it is safe.',
})
export class Delivery {
  @Field(() => ID) syncId!: string;
  @Field(() => Int) attempt!: number;
  @Field(() => SyncModeEnum) mode!: SyncMode;
  @Field(() => VoucherEvent) event!: VoucherEvent;
  @Field(() => DateTimeScalar) ackDeadline!: Date;
  @Field(() => String, {
    description: "Hex SHA-256 of the event in the form of the webhook's body: what a receipt is for.",
  })
  bodyDigest!: string;
  @Field(() => String, {
    nullable: true,
    description: 'W3C trace context of this push, as the webhook has it in a header; null: tracing is off.',
  })
  traceparent!: string | null;
}
