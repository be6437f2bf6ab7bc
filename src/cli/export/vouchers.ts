import { graphql } from '../generated/gql.ts';
import type { ExportVouchersQuery, VoucherFilter } from '../generated/graphql.ts';
import { UsageError } from '../usage-error.ts';
import { type Column, rowOf, timeCell } from './columns.ts';
import type { ExportSubject } from './subject.ts';

/** A page of vouchers, the newest first. */
const vouchersPage = graphql(`
  query ExportVouchers($filter: VoucherFilter!, $first: Int!, $after: String) {
    vouchers(filter: $filter, first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      edges { node {
        id voucherNo voucherDate sourceSystem sourceModule sourceType sourceId sourceReferenceNo sourceVersion companyId
        counterpartyType counterpartyId counterpartyName direction amount currency summary status createdBy createdAt updatedAt
      } }
    }
  }
`);

/** Sets how many vouchers there are to export. */
const vouchersCount = graphql(`
  query ExportVouchersCount($filter: VoucherFilter!) { vouchers(filter: $filter, first: 0) { totalCount } }
`);

type ExportedVoucher = ExportVouchersQuery['vouchers']['edges'][number]['node'];

/** Named as in the database, values in lower case as there. */
const columns: readonly Column<ExportedVoucher>[] = [
  { name: 'id', kind: 'id', of: voucher => voucher.id },
  { name: 'voucher_no', kind: 'text', of: voucher => voucher.voucherNo },
  { name: 'voucher_date', kind: 'date', of: voucher => voucher.voucherDate },
  { name: 'source_system', kind: 'text', of: voucher => voucher.sourceSystem },
  { name: 'source_module', kind: 'text', of: voucher => voucher.sourceModule },
  { name: 'source_type', kind: 'text', of: voucher => voucher.sourceType },
  { name: 'source_id', kind: 'text', of: voucher => voucher.sourceId },
  { name: 'source_reference_no', kind: 'text', of: voucher => voucher.sourceReferenceNo ?? null },
  { name: 'source_version', kind: 'long', of: voucher => voucher.sourceVersion },
  { name: 'company_id', kind: 'text', of: voucher => voucher.companyId ?? null },
  { name: 'counterparty_type', kind: 'text', of: voucher => voucher.counterpartyType ?? null },
  { name: 'counterparty_id', kind: 'text', of: voucher => voucher.counterpartyId ?? null },
  { name: 'counterparty_name', kind: 'text', of: voucher => voucher.counterpartyName ?? null },
  { name: 'direction', kind: 'text', of: voucher => voucher.direction.toLowerCase() },
  { name: 'amount', kind: 'decimal', of: voucher => voucher.amount },
  { name: 'currency', kind: 'text', of: voucher => voucher.currency },
  { name: 'summary', kind: 'text', of: voucher => voucher.summary ?? null },
  { name: 'status', kind: 'text', of: voucher => voucher.status.toLowerCase() },
  { name: 'created_by', kind: 'text', of: voucher => voucher.createdBy ?? null },
  { name: 'created_at', kind: 'time', of: voucher => timeCell(voucher.createdAt) },
  { name: 'updated_at', kind: 'time', of: voucher => timeCell(voucher.updatedAt) },
];

const day = /^\d{4}-\d{2}-\d{2}$/;

/**
 * The vouchers that are dated from a day on until before another one, or until today.
 * @param today YYYY-MM-DD, of the business clock
 * @throws UsageError
 */
export function vouchersOf(
  { from, to, sourceSystem }: { from: string; to?: string; sourceSystem?: string },
  today: string,
): ExportSubject {
  for (const [name, value] of [
    ['--from', from],
    ['--to', to],
  ] as const)
    if (value !== undefined && !day.test(value))
      throw new UsageError(`${name}: vouchers are exported by their dates; a day (YYYY-MM-DD) is expected.`);
  if (to !== undefined && to < from) throw new UsageError(`--to: ${to} is before --from, ${from}.`);
  const last = to === undefined ? today : dayBefore(to);
  const filter: VoucherFilter = {
    voucherDateFrom: from,
    voucherDateTo: last,
    sourceSystem: sourceSystem ?? null,
  };
  return {
    thing: 'voucher',
    columns,
    range: { words: `dated ${from} to ${last}`, from, to: last },
    async page(client, page, stop) {
      const variables = JSON.stringify({ filter, ...page });
      const { edges, pageInfo } = (await client.requestText(vouchersPage, variables, stop)).vouchers;
      const after = pageInfo.hasNextPage ? (pageInfo.endCursor ?? null) : null;
      return { rows: edges.map(({ node }) => rowOf(node, columns)), after };
    },
    async count(client, stop) {
      const { vouchers } = await client.requestText(vouchersCount, JSON.stringify({ filter }), stop);
      return vouchers.totalCount;
    },
  };
}

function dayBefore(date: string): string {
  const at = Date.parse(`${date}T00:00:00Z`);
  if (Number.isNaN(at)) throw new UsageError(`--to: ${date} is no day of the calendar.`);
  return new Date(at - 86_400_000).toISOString().slice(0, 10);
}
