import Table from 'cli-table3';
import { audit } from './audit.ts';
import { backlog, history } from './backlog.ts';
import { benchOn } from './bench-database.ts';
import { readBenchCommand } from './command.ts';
import { checkTime, foldSlowdown, walkCost } from './consistency.ts';
import { deliveries } from './deliveries.ts';
import { latency } from './latency.ts';
import { metrics } from './metrics.ts';
import { oneRecord } from './one-record.ts';
import { fanOut, idle, push } from './push.ts';
import { recording } from './recording.ts';
import { recovery } from './recovery.ts';
import { median, quantile } from './support.ts';
import { tracing } from './tracing.ts';
import { versions } from './versions.ts';
import { type WorkersFigure, workers } from './workers.ts';

const table = new Table({ head: ['what', 'hub', 'against', 'ratio', 'wanted'] });

/** A row with a ratio of the medians. */
function row(what: string, hub: number[], floor: number[], wanted: string): void {
  const ratios = hub.map((rate, n) => rate / (floor[n] ?? Number.NaN));
  table.push([what, perSecond(median(hub)), perSecond(median(floor)), median(ratios).toFixed(2), wanted]);
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString('en')}/s`;
}

const benches: Record<string, () => Promise<void>> = {
  async deliveries() {
    const rounds = await deliveries(asked.quick ? 2 : 9, 20_000 * scale);
    row(
      'deliveries, one subscription, against signing and posting alone',
      rounds.map(r => r.hub),
      rounds.map(r => r.floor),
      '≥ 0.5',
    );
  },
  async recording() {
    const rounds = await recording(asked.quick ? 2 : 5, 10_000 * scale);
    const floor = rounds.map(r => r.floor);
    row(
      'recordVoucher, 64 at a time: intake, against single-row inserts',
      rounds.map(r => r.service),
      floor,
      '≥ 2',
    );
    row(
      'the same, against inserts of all three rows that it writes',
      rounds.map(r => r.service),
      rounds.map(r => r.floorAll),
      '≥ 2',
    );
    row(
      'the same over GraphQL and HTTP, against single-row inserts',
      rounds.map(r => r.hub),
      floor,
      'printed',
    );
  },
  async latency() {
    const { p50, p99, max } = await latency(3_000 * scale);
    const ms = (value: number) => `${value.toFixed(1)} ms`;
    table.push([
      'mutation answered to request received, 100/s',
      `p50 ${ms(p50)}, p99 ${ms(p99)}, max ${ms(max)}`,
      '',
      '',
      'p99 < 50 ms',
    ]);
  },
  async push() {
    const rounds = await push(asked.quick ? 2 : 5, 20_000 * scale);
    row(
      'acknowledged pushes to one consumer, against a bare graphql-ws server',
      rounds.map(r => r.hub),
      rounds.map(r => r.floor),
      '≥ 0.5',
    );
  },
  async fanout() {
    const { p50, p99 } = await fanOut(100, 200 * scale);
    const text = `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
    table.push(['mutation answered to received, 100 attached consumers', text, '', '', 'p99 < 100 ms']);
  },
  async idle() {
    const { kiBEach, core } = await idle(1_000 * scale, 30);
    const text = `${kiBEach.toFixed(0)} KiB each, ${(core * 100).toFixed(1)} % of a core`;
    table.push([`${1_000 * scale} idle attached consumers`, text, '', '', '< 100 KiB, < 2 %']);
  },
  async workers() {
    const counts = [1, 2, 4];
    const sets = await workers(counts, asked.quick ? 1 : 3, 20_000 * scale);
    const names = { several: 'deliveries of 8 subscriptions', sharded: 'of one subscription with 4 shards' };
    for (const load of ['several', 'sharded'] as const) {
      const [one = [], ...more] = sets.map(set => set[load]);
      const rates = (figures: typeof one) => figures.map(({ rate }) => rate);
      for (const [at, figures] of more.entries())
        row(
          `${names[load]}, ${counts[at + 1]} worker processes against one`,
          rates(figures),
          rates(one),
          'not below',
        );
      const each = (of: (figure: WorkersFigure) => number) =>
        sets.map(set => median(set[load].map(of)).toFixed(0)).join(', ');
      const what = `${names[load]}: processor time of a delivery with ${counts.join(', ')} worker processes`;
      const used = `workers' ${each(f => f.workerUs)} µs, PostgreSQL's ${each(f => f.postgresUs)} µs`;
      table.push([what, used, '', '', 'printed']);
    }
  },
  async recovery() {
    const { shard, held, database } = await recovery(200);
    const rows: [string, number, string][] = [
      ['kill -9 of a worker: its shard runs again', shard, '< 15 s'],
      ['the same: all that it held is delivered', held, 'printed'],
      ["PostgreSQL's restart: full rate again", database, '< 10 s'],
    ];
    for (const [what, seconds, wanted] of rows) table.push([what, `${seconds.toFixed(1)} s`, '', '', wanted]);
  },
  async consistency() {
    const percent = (share: number) => `${(share * 100).toFixed(3)} % of listing all`;
    const [few, many] = [await walkCost(100_000 * scale), await walkCost(1_000_000 * scale)];
    for (const [count, { bytes, requests, share }] of [
      [100_000 * scale, few],
      [1_000_000 * scale, many],
    ] as const) {
      const cost = `${bytes.toLocaleString('en')} bytes, ${requests} requests, ${percent(share)}`;
      table.push([`7 differences among ${count.toLocaleString('en')}`, cost, '', '', '≤ 1 %']);
    }
    table.push([
      'their bytes, with ten times the records',
      `${many.bytes}`,
      `${few.bytes}`,
      (many.bytes / few.bytes).toFixed(2),
      'logarithm',
    ]);
    const time = await checkTime(1_000_000 * scale);
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(2)} s`;
    table.push([
      `a check of ${(1_000_000 * scale).toLocaleString('en')} records without differences`,
      `${seconds(time.checkMs)}, ${seconds(time.consumerMs)} of it the consumer on SQLite`,
      '',
      '',
      '< 2 s',
    ]);
    const pairs = await foldSlowdown(asked.quick ? 6 : 40, 4_000);
    row(
      'intake with its share of folding, against without',
      pairs.map(r => r.folding),
      pairs.map(r => r.bare),
      '≥ 0.95',
    );
    const ratios = pairs.map(r => r.folding / r.bare);
    const quartiles = `${quantile(ratios, 0.25).toFixed(2)} and ${quantile(ratios, 0.75).toFixed(2)}`;
    table.push(['quartiles of that ratio', quartiles, '', '', 'printed']);
  },
  async versions() {
    const { one, thousand } = await versions(2_000 * scale);
    const text = ({ p50, p99 }: typeof one) => `p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`;
    table.push(['version of one record among 100,000, over HTTP', text(one), '', '', 'printed']);
    table.push(['versions of 1,000 at once', text(thousand), '', '', 'printed']);
  },
  async backlog() {
    const figures = await backlog({
      part: 3_000,
      short: 10_000,
      long: 200_000 * scale,
      history: 1_000_000 * scale,
    });
    row(
      `drain with a backlog of ${200_000 * scale} against 10,000`,
      [figures.long],
      [figures.short],
      '≥ 0.9',
    );
    row(
      `drain with ${1_000_000 * scale} finished syncs against none`,
      [figures.longHistory],
      [figures.emptyHistory],
      '≥ 0.9',
    );
    table.push([
      'memory of the hub process with that backlog',
      `${Math.round(figures.memoryMiB)} MiB`,
      '',
      '',
      '< 400 MiB',
    ]);
  },
  async record() {
    for (const { waiting, perSecond: rate, otherMs } of await oneRecord([200, 5_000, 20_000])) {
      const what = `one record with ${waiting.toLocaleString('en')} waiting versions`;
      table.push([what, perSecond(rate), '', '', 'flat']);
      table.push([
        'the same: another record beside it, recorded to received',
        `${otherMs.toFixed(0)} ms`,
        '',
        '',
        'printed',
      ]);
    }
  },
  async audit() {
    const count = 1_000_000 * scale;
    const { sealMs, verifyMs, pages } = await audit(count);
    const each = (ms: number) => `${(ms / 1_000).toFixed(1)} s, ${((ms * 1_000) / count).toFixed(1)} µs each`;
    const many = `${count.toLocaleString('en')} attempts`;
    table.push([`sealing ${many}`, each(sealMs), '', '', 'printed']);
    table.push([
      `comparing ${many} with their seals`,
      `${each(verifyMs)}, ${pages} pages`,
      '',
      '',
      'printed',
    ]);
  },
  async metrics() {
    const figures = await metrics(10_000_000 * scale);
    for (const { what, wanted, p50, max } of figures.windows) {
      const label = `a year's syncMetrics of ${what}, ${figures.rows.toLocaleString('en')} rows of rollups`;
      table.push([label, `p50 ${p50.toFixed(1)} ms, max ${max.toFixed(1)} ms`, '', '', wanted]);
    }
  },
  async tracing() {
    const rounds = await tracing(asked.quick ? 2 : 5, 20_000 * scale);
    const off = rounds.map(r => r.off.rate);
    row(
      'deliveries with every trace recorded, against tracing off',
      rounds.map(r => r.on.rate),
      off,
      'printed',
    );
    row(
      'the same with one per cent recorded',
      rounds.map(r => r.some.rate),
      off,
      'printed',
    );
    const cpu = median(rounds.map(r => r.off.cpu));
    const microseconds = (value: number) => `${value.toFixed(1)} µs`;
    for (const [what, costs] of [
      ['every trace', rounds.map(r => r.on.cpu)],
      ['one per cent', rounds.map(r => r.some.cpu)],
    ] as const) {
      const label = `the hub's processor time for a delivery, ${what}, against off`;
      const ratio = (median(costs) / cpu).toFixed(2);
      table.push([label, microseconds(median(costs)), microseconds(cpu), ratio, 'printed']);
    }
    const added = median(rounds.map(r => r.nullCheckNs));
    const percent = `${((added / (cpu * 1_000)) * 100).toFixed(3)} %`;
    const label = 'what switched-off tracing adds to that';
    table.push([label, `${added.toFixed(1)} ns`, microseconds(cpu), percent, '< 3 %']);
  },
  async history() {
    const old = asked.quick ? 100_000 : 10_000_000;
    const figures = await history({ part: 3_000, old });
    row(
      `drain with ${old} finished syncs in the months before against none`,
      [figures.long],
      [figures.none],
      '≥ 0.9',
    );
  },
};

const asked = readBenchCommand(Object.keys(benches));
const scale = asked.quick ? 0.1 : 1;
if (asked.database !== undefined) benchOn(asked.database);
for (const name of asked.only) {
  process.stderr.write(`${name} …\n`);
  await benches[name]?.();
}
process.stdout.write(`${table.toString()}\n`);
