import { Ctx, FieldResolver, Int, Resolver, Root } from 'type-graphql';
import type { JsonObject } from '../core/model.ts';
import { JSONObjectScalar } from '../schema/scalars.ts';
import { RecordVoucherResult, Voucher, VoucherConnection, VoucherEvent } from '../schema/voucher.types.ts';
import type { OperationContext } from './context.ts';

/** GraphQL: from a recording's result to what was recorded. */
@Resolver(() => RecordVoucherResult)
export class RecordVoucherResultResolver {
  @FieldResolver(() => Voucher)
  voucher(@Ctx() context: OperationContext, @Root() result: RecordVoucherResult): Promise<Voucher> {
    return context.loaders.voucher.load(result.voucherId);
  }

  @FieldResolver(() => VoucherEvent, { nullable: true, description: 'Null for a duplicate.' })
  event(@Ctx() context: OperationContext, @Root() result: RecordVoucherResult): Promise<VoucherEvent> | null {
    return result.eventId === null ? null : context.loaders.event.load(result.eventId);
  }
}

/** GraphQL: from an event to its voucher and its data. */
@Resolver(() => VoucherEvent)
export class VoucherEventResolver {
  @FieldResolver(() => JSONObjectScalar, { description: 'The business data as it was in this version.' })
  data(@Ctx() { loaders }: OperationContext, @Root() event: VoucherEvent): Promise<JsonObject> | JsonObject {
    return event.data ?? loaders.dataOfEvent.load(event.id);
  }

  @FieldResolver(() => Voucher, {
    description: 'As it is now, whatever version the event is; `data` holds what this version said.',
  })
  async voucher(@Ctx() context: OperationContext, @Root() event: VoucherEvent): Promise<Voucher> {
    return event.frozenVoucher ?? context.loaders.voucher.load(event.voucherId);
  }
}

/** GraphQL: a list's length, counted only when asked for. */
@Resolver(() => VoucherConnection)
export class VoucherConnectionResolver {
  @FieldResolver(() => Int)
  totalCount(@Root() connection: VoucherConnection): Promise<number> {
    return connection.count();
  }
}
