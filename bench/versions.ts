import { BenchHub } from './bench-hub.ts';
import { monotonicMs, quantile } from './support.ts';

const query = 'query ($refs: [VoucherRef!]!) { voucherVersions(refs: $refs) { sourceVersion digest } }';

/** Says how long the question for versions takes over HTTP, milliseconds: of one record, and of a thousand at once. */
export async function versions(
  count: number,
): Promise<{ one: { p50: number; p99: number }; thousand: { p50: number; p99: number } }> {
  await using hub = await BenchHub.start();
  await fill(hub, 100_000);
  const ask = async (many: number, n: number) => {
    const refs = Array.from({ length: many }, (_, i) => ({
      sourceSystem: 'bench',
      sourceModule: 'invoice',
      sourceId: `V${((n * 7_919 + i) % 100_000) + 1}`,
    }));
    const body = JSON.stringify({ query, variables: { refs } });
    const startedAt = monotonicMs();
    await hub.ask(body);
    return monotonicMs() - startedAt;
  };
  const timesOf = async (many: number, questions: number) => {
    for (let n = 0; n < 50; n += 1) await ask(many, n);
    const times: number[] = [];
    for (let n = 0; n < questions; n += 1) times.push(await ask(many, n));
    return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
  };
  return { one: await timesOf(1, count), thousand: await timesOf(1_000, Math.ceil(count / 10)) };
}

async function fill(hub: BenchHub, vouchers: number): Promise<void> {
  await hub.db.query(
    `insert into fin_business_vouchers (id, voucher_no, voucher_date, source_system, source_module, source_type, source_id, source_version,
       event_type, direction, amount, currency, business_data, status, digest)
     select n, 'V' || n, '2025-12-19', 'bench', 'invoice', 'sales_invoice', 'V' || n, 1, 'invoice_recorded', 'debit', 1, 'CNY', '{}', 'approved',
       encode(sha256(n::text::bytea), 'hex') from generate_series(1, $1::int) n`,
    [vouchers],
  );
  await hub.db.query('analyze fin_business_vouchers');
}
