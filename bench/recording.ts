import { BusinessTime } from '../src/core/business-time.ts';
import { systemClock } from '../src/core/clock.ts';
import { isoCurrencies } from '../src/core/currencies.ts';
import { createLogger } from '../src/core/logger.ts';
import { Database } from '../src/db/database.ts';
import { Intake } from '../src/intake/record-vouchers.ts';
import { RoutingCache } from '../src/intake/routing.ts';
import { BenchHub } from './bench-hub.ts';
import { concurrently, monotonicMs } from './support.ts';

const width = 64;

/** Turns that are not counted. */
const warmUps = 2;

const mutation =
  'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome deliveries } }';

const insertVoucher = `insert into bench_floor (voucher_no, voucher_date, source_system, source_module, source_type, source_id, source_version,
  direction, amount, currency, business_data, status) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`;

/** All that one recording leaves behind: the voucher, its event and one sync, in one statement. */
const insertAll = `with v as (${insertVoucher} returning *),
  e as (insert into bench_floor_events (event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at)
    select 'invoice_recorded', id, source_version, source_system, $13, business_data, $14, now() from v returning id, voucher_id)
  insert into bench_floor_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode)
  select id, voucher_id, 1, 'invoice_recorded', 'bench', 'realtime' from e`;

const tables = `
  create table bench_floor (like fin_business_vouchers including all);
  alter table bench_floor alter id set default nextval('fin_business_vouchers_id_seq'), alter digest drop not null, alter event_type drop not null;
  create table bench_floor_events (like fin_voucher_events including all);
  create table bench_floor_syncs (like fin_open_syncs including all)`;

/** Inserts by `pg` over 64 connections, a commit each: the floor. A second. @param all whether event and sync too */
async function floor(hub: BenchHub, round: number, count: number, all: boolean): Promise<number> {
  const startedAt = monotonicMs();
  await concurrently(count, width, async n => {
    const { businessData, ...voucher } = sample(`F${round}-${n}`);
    const values = [
      voucher.sourceId,
      voucher.voucherDate,
      'bench',
      'invoice',
      'sales_invoice',
      voucher.sourceId,
      1,
      'debit',
      voucher.amount,
      'GBP',
      JSON.stringify(businessData),
      'approved',
    ];
    if (all) {
      const frozen = [digestOfNothing, JSON.stringify(voucher)];
      await hub.db.query({ name: 'floor-all', text: insertAll, values: [...values, ...frozen] });
    } else await hub.db.query({ name: 'floor', text: insertVoucher, values });
  });
  return (count * 1_000) / (monotonicMs() - startedAt);
}

const digestOfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** `recordVoucher`'s service called in this process, 64 calls at a time: intake without GraphQL and HTTP. A second. */
export async function recordInProcess(intake: Intake, round: number, count: number): Promise<number> {
  const startedAt = monotonicMs();
  await concurrently(count, width, async n => {
    const [result] = await intake.record([
      { ...sample(`S${round}-${n}`), direction: 'debit', status: 'approved' },
    ]);
    if (result === undefined || result instanceof Error) throw result ?? new Error('no result');
  });
  return (count * 1_000) / (monotonicMs() - startedAt);
}

/** `recordVoucher` over HTTP, 64 calls at a time. A second. */
async function record(hub: BenchHub, round: number, count: number): Promise<number> {
  const startedAt = monotonicMs();
  await concurrently(count, width, async n => {
    await hub.ask(JSON.stringify({ query: mutation, variables: { input: sample(`R${round}-${n}`) } }));
  });
  return (count * 1_000) / (monotonicMs() - startedAt);
}

/** Calls a second: through the hub, its service alone, inserts of one row and of all three that a recording writes. */
interface Round {
  readonly hub: number;
  readonly service: number;
  readonly floor: number;
  readonly floorAll: number;
}

/** Intake in this process; what it recorded wakes nobody. */
export function benchIntake(db: Database): Intake {
  const clock = systemClock;
  return new Intake({
    lineage: { versionBase: 0 },
    db,
    clock,
    time: new BusinessTime('Asia/Shanghai'),
    routing: new RoutingCache(db, clock),
    waker: { wake: () => {} },
    changes: { isWatched: false, note: () => {} },
    meter: { recorded: () => {} },
    log: createLogger({ level: 'warn', pretty: false }),
    tracer: null,
    currencies: isoCurrencies,
  });
}

/**
 * `recordVoucher` calls a second against inserts, taken in turns. Each works some time before it counts: a process that is
 * fresh compiles its code meanwhile. The floor's tables grow with the rounds, as the hub's do.
 */
export async function recording(rounds: number, count: number): Promise<Round[]> {
  await using hub = await BenchHub.start();
  await hub.settled();
  const log = createLogger({ level: 'warn', pretty: false });
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 8, log });
  const intake = benchIntake(db);
  await hub.subscribe('http://127.0.0.1:9/hook');
  await hub.db.query(tables);
  const turn = async (round: number, calls: number): Promise<Round> => ({
    hub: await record(hub, round, calls),
    service: await recordInProcess(intake, round, calls),
    floor: await floor(hub, 2 * round, calls, false),
    floorAll: await floor(hub, 2 * round + 1, calls, true),
  });
  for (let warming = 1; warming <= warmUps; warming += 1) await turn(-warming, count);
  const results: Round[] = [];
  for (let round = 0; round < rounds; round += 1) results.push(await turn(round, count));
  return results;
}

function sample(sourceId: string) {
  return {
    eventType: 'invoice_recorded',
    sourceSystem: 'bench',
    sourceModule: 'invoice',
    sourceType: 'sales_invoice',
    sourceId,
    sourceVersion: 1,
    voucherDate: '2010-12-01',
    companyId: '1',
    counterpartyId: '17850',
    counterpartyName: 'United Kingdom',
    direction: 'DEBIT',
    amount: '139.12',
    currency: 'GBP',
    businessData: { invoice_no: sourceId, country: 'United Kingdom', quantity: '40', unit_price: '3.91' },
  };
}
