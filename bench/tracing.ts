import type { Pool } from 'pg';
import type { AttemptResult } from '../src/core/model.ts';
import type { ClaimedSync } from '../src/db/delivery/shard-statements.ts';
import type { DeliverySettings, Transport } from '../src/delivery/drain/delivery-settings.ts';
import { deliverTraced } from '../src/delivery/drain/traced-delivery.ts';
import { BenchHub } from './bench-hub.ts';
import { drain, sample } from './deliveries.ts';
import { fill } from './fill.ts';
import { BenchReceiver, median } from './support.ts';

/** Deliveries a second, and the hub's processor time for each, microseconds. */
interface Cost {
  readonly rate: number;
  readonly cpu: number;
}

/** One hub, its shard, and the share of its events that belongs to sampled traces; null: it does not trace. */
interface Contender {
  readonly hub: BenchHub;
  readonly id: string;
  readonly sampled: number | null;
}

/** Gives what traces cost a delivery: hubs that trace nothing, all and one per cent, taken in turns on the same receiver. */
export async function tracing(
  rounds: number,
  count: number,
): Promise<{ off: Cost; on: Cost; some: Cost; nullCheckNs: number }[]> {
  using receiver = await BenchReceiver.start();
  // Takes what it gets and answers 200, as a collector does.
  using collector = await BenchReceiver.start();
  const on = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url };
  await using offHub = await BenchHub.start();
  await using onHub = await BenchHub.start(on);
  await using someHub = await BenchHub.start(on);
  const contend = async (hub: BenchHub, sampled: number | null): Promise<Contender> => ({
    hub,
    id: await hub.subscribe(receiver.url),
    sampled,
  });
  const [off, all, some] = [
    await contend(offHub, null),
    await contend(onHub, 1),
    await contend(someHub, 0.01),
  ];
  for (const contender of [off, all, some]) await cost(contender, receiver, count / 4);
  const results: { off: Cost; on: Cost; some: Cost; nullCheckNs: number }[] = [];
  for (let round = 0; round < rounds; round += 1)
    results.push({
      off: await cost(off, receiver, count),
      on: await cost(all, receiver, count),
      some: await cost(some, receiver, count),
      nullCheckNs: nullCheckNs(),
    });
  return results;
}

async function cost({ hub, id, sampled }: Contender, receiver: BenchReceiver, count: number): Promise<Cost> {
  await fill(hub.db, id, count, 'pending');
  await trace(hub.db, sampled);
  const before = await hub.cpuSeconds();
  const rate = await drain(hub, receiver, id, count);
  return { rate, cpu: ((await hub.cpuSeconds()) - before) * (1e6 / count) };
}

/**
 * Gives each waiting event a trace of its own, as intake would; null: none, but its row is written again like the others',
 * or the contenders' tables would not be alike.
 */
async function trace(db: Pool, sampled: number | null): Promise<void> {
  await db.query(
    `update fin_open_syncs set traceparent =
       '00-' || md5(id::text) || '-' || substr(md5('span' || id), 1, 16) || case
         when $1::float8 is not null then case when random() < $1 then '-01' else '-00' end end`,
    [sampled],
  );
  await db.query('vacuum (analyze) fin_open_syncs');
}

/**
 * Gives what a delivery costs more where tracing is off than where there was none, nanoseconds: the way through the code that
 * would make spans, on a transport that does nothing, against that transport alone.
 */
function nullCheckNs(): number {
  const nothing: Promise<readonly AttemptResult[]> = Promise.resolve([]);
  const instant: Transport = { deliver: () => nothing };
  const settings: DeliverySettings = {
    id: '1',
    state: 'active',
    webhookUrl: null,
    batchSize: 1,
    batchMaxBytes: 1_048_576,
    maxInFlight: 1,
    shards: 1,
    rateLimitPerSecond: null,
    timeoutMs: 1,
    ackTimeoutMs: 1,
    attached: false,
    retry: { maxRetries: 0, baseDelayMs: 0, maxDelayMs: 0, jitter: 0 },
    payloadQuery: null,
    secrets: { current: '', next: null },
  };
  const syncs: readonly ClaimedSync[] = [sample(1)];
  const turns = 5_000_000;
  // The calls alone: to wait for them would cost many times as much, and hide them.
  const timed = (deliver: () => Promise<unknown>) => {
    const startedAt = process.hrtime.bigint();
    let last: Promise<unknown> = nothing;
    for (let turn = 0; turn < turns; turn += 1) last = deliver();
    const ns = Number(process.hrtime.bigint() - startedAt) / turns;
    return last === nothing ? ns : Number.NaN;
  };
  const bare = Array.from({ length: 9 }, () => timed(() => instant.deliver(settings, syncs)));
  const through = Array.from({ length: 9 }, () => timed(() => deliverTraced(null, instant, settings, syncs)));
  return median(through) - median(bare);
}
