import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, FieldResolver, Info, Int, Resolver, Root } from 'type-graphql';
import { badInput } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { ListSize } from '../schema/list-size.ts';
import { Voucher, VoucherEvent, VoucherEventConnection } from '../schema/voucher.types.ts';
import type { OperationContext } from './context.ts';
import { nestedList } from './nested-list.ts';

/** GraphQL: the versions of a voucher. */
@Resolver(() => Voucher)
export class VoucherVersionsResolver {
  @ListSize('first')
  @FieldResolver(() => VoucherEventConnection, {
    description: 'Every recorded version, the oldest first, by pages of up to 500.',
  })
  async eventPages(
    @Ctx() context: OperationContext,
    @Root() voucher: Voucher,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50 }) first: number | null,
    @Arg('after', () => String, { nullable: true }) after: string | null | undefined,
  ): Promise<VoucherEventConnection> {
    const size = first ?? 50;
    if (size < 0 || size > limits.pageSize) throw badInput('first', `first: 0 to ${limits.pageSize}.`);
    const above = after == null ? null : versionOf(after);
    const page = { voucherId: voucher.id, limit: size + 1, above };
    const rows = await context.loaders.eventsOfVoucher.load(page);
    const edges = rows.slice(0, size).map(node => ({ cursor: cursorOf(node), node }));
    return {
      edges,
      pageInfo: {
        hasNextPage: rows.length > size,
        hasPreviousPage: above !== null,
        startCursor: edges[0]?.cursor ?? null,
        endCursor: edges.at(-1)?.cursor ?? null,
      },
      count: () => context.loaders.eventCount.load(voucher.id),
    };
  }

  @ListSize(10)
  @FieldResolver(() => [VoucherEvent], {
    description:
      'The 1,000 oldest of the recorded versions, the oldest first. Where there are more, extensions.warnings of the answer says so (LIST_CUT); eventPages has all.',
    deprecationReason: 'Use eventPages: this list is cut after the 1,000 oldest versions.',
  })
  async events(
    @Ctx() context: OperationContext,
    @Root() voucher: Voucher,
    @Info() info: GraphQLResolveInfo,
  ): Promise<VoucherEvent[]> {
    const page = { voucherId: voucher.id, limit: limits.nestedList + 1, above: null };
    const rows = await context.loaders.eventsOfVoucher.load(page);
    const hint = `These are the ${limits.nestedList} oldest versions of voucher ${voucher.id}; eventPages has all, by pages.`;
    return nestedList(rows, { context, info, keep: 'first', hint });
  }
}

/** GraphQL: a list's length, counted only when asked for. */
@Resolver(() => VoucherEventConnection)
export class VoucherEventConnectionResolver {
  @FieldResolver(() => Int)
  totalCount(@Root() connection: VoucherEventConnection): Promise<number> {
    return connection.count();
  }
}

const cursorPrefix = 'version:';

function cursorOf({ sourceVersion }: VoucherEvent): string {
  return Buffer.from(cursorPrefix + sourceVersion).toString('base64url');
}

/** @throws HubError BAD_USER_INPUT for a cursor that the hub did not make */
function versionOf(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  const version = text.startsWith(cursorPrefix) ? text.slice(cursorPrefix.length) : '';
  if (!/^\d{1,18}$/.test(version)) throw badInput('after', 'after: not a cursor that the hub gave.');
  return version;
}
