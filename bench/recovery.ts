import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { BenchHub } from './bench-hub.ts';
import { BenchReceiver, monotonicMs } from './support.ts';
import { BenchWorker } from './worker.ts';

/** Says how long until things run again, seconds. */
export interface RecoveryFigures {
  /** From kill -9 of the worker that had a shard to the shard's next request. */
  readonly shard: number;
  /** From the same until nothing that the killed process held was left. */
  readonly held: number;
  /** From PostgreSQL's restart to the first second in which as much was delivered as was recorded before. */
  readonly database: number;
}

/** Holds what is under way at a kill arrives within this. Milliseconds. */
const settleMs = 300;

/** Kills the worker that has the shard, then restarts PostgreSQL, under a steady load of so many events a second. */
export async function recovery(perSecond: number): Promise<RecoveryFigures> {
  using receiver = await BenchReceiver.start();
  await using hub = await BenchHub.start({ HUB_ROLES: 'api,scheduler', HUB_LOG_LEVEL: 'fatal' });
  const id = await hub.subscribe(receiver.url);
  const first = await BenchWorker.start(hub);
  await hub.resume(id);
  await using _load = startLoad(hub, perSecond);
  await receiver.got(perSecond * 2);
  await using _second = await BenchWorker.start(hub);

  const killedAt = monotonicMs();
  await first.kill();
  await pause(settleMs);
  const { count } = await receiver.report();
  const { rows: held } = await hub.db.query<{ id: string }>(
    'select id::text from fin_open_syncs where claim_token is not null',
  );
  await receiver.got(count + 1);
  const shard = monotonicMs() - killedAt;
  await delivered(
    hub,
    held.map(row => row.id),
  );
  const claimed = monotonicMs() - killedAt;

  await atFullRate(receiver, perSecond);
  const restartedAt = monotonicMs();
  await restartDatabase(hub);
  const database = (await atFullRate(receiver, perSecond)) - restartedAt;
  return { shard: shard / 1_000, held: claimed / 1_000, database: database / 1_000 };
}

/** Records by the plan, whatever becomes of it. */
function startLoad(hub: BenchHub, perSecond: number): AsyncDisposable {
  const stop = new AbortController();
  let recorded = 0;
  const startedAt = monotonicMs();
  const running = (async () => {
    while (!stop.signal.aborted) {
      const planned = ((monotonicMs() - startedAt) * perSecond) / 1_000;
      for (; recorded < planned; recorded += 1) void hub.record(`load-${recorded}`).catch(() => {});
      await pause(10);
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

async function delivered(hub: BenchHub, syncIds: readonly string[]): Promise<void> {
  for (;;) {
    const { rows } = await hub.db.query<{ count: number }>(
      'select count(*)::int as count from fin_open_syncs where id = any($1)',
      [syncIds],
    );
    if (rows[0]?.count === 0) return;
    await pause(20);
  }
}

/** Waits for a second with at least 95 % of the load delivered. @returns when that second began */
async function atFullRate(receiver: BenchReceiver, perSecond: number): Promise<number> {
  const samples: { at: number; count: number }[] = [];
  for (;;) {
    const { count } = await receiver.report();
    const now = monotonicMs();
    samples.push({ at: now, count });
    const begun = samples.findLast(sample => sample.at <= now - 1_000);
    if (begun !== undefined && count - begun.count >= perSecond * 0.95 * ((now - begun.at) / 1_000))
      return begun.at;
    await pause(50);
  }
}

/** Stops PostgreSQL in its fast mode; the hub that brought it starts it again. */
async function restartDatabase(hub: BenchHub): Promise<void> {
  const { rows } = await hub.db.query<{ folder: string }>(
    `select current_setting('data_directory') as folder`,
  );
  const file = await readFile(path.join(rows[0]?.folder ?? '', 'postmaster.pid'), 'utf8');
  process.kill(Number(file.split('\n', 1)[0]), 'SIGINT');
}
