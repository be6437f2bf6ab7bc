import { BenchHub } from './bench-hub.ts';
import { fill } from './fill.ts';
import { BenchReceiver, ratePerSecond } from './support.ts';
import { BenchWorker } from './worker.ts';

/** Deliveries a second with so many worker processes. */
export interface WorkersFigure {
  readonly workers: number;
  /** Of eight subscriptions. */
  readonly several: number;
  /** Of one subscription with four lanes. */
  readonly sharded: number;
}

const subscriptions = 8;
const lanes = 4;

/**
 * What 1, 2 and 4 worker processes deliver of the same backlog, on the same cores, taken in turns; the hub's own
 * process only serves the API.
 * @param count syncs of each run
 * @returns the figures of each round, in the order of `counts`
 */
export async function workers(
  counts: readonly number[],
  rounds: number,
  count: number,
): Promise<WorkersFigure[][]> {
  using receiver = await BenchReceiver.start();
  await using hub = await BenchHub.start({ HUB_ROLES: 'api,scheduler' });
  const several: string[] = [];
  for (let n = 0; n < subscriptions; n += 1)
    several.push(await hub.subscribe(receiver.url, { name: `several-${n}`, maxInFlight: 16 }));
  const sharded = await hub.subscribe(receiver.url, { name: 'sharded', lanes, maxInFlight: 64 });
  const results: WorkersFigure[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    const figures: WorkersFigure[] = [];
    for (const number of counts) {
      await using running = new AsyncDisposableStack();
      for (let n = 0; n < number; n += 1) running.use(await BenchWorker.start(hub));
      // So that every process is warm: a fresh one compiles its code while it works.
      await drainAll(hub, receiver, several, (count / 4) * number);
      figures.push({
        workers: number,
        several: await drainAll(hub, receiver, several, count),
        sharded: await drainAll(hub, receiver, [sharded], count),
      });
    }
    results.push(figures);
  }
  return results;
}

async function drainAll(
  hub: BenchHub,
  receiver: BenchReceiver,
  ids: readonly string[],
  count: number,
): Promise<number> {
  const each = Math.ceil(count / ids.length);
  for (const id of ids) await fill(hub.db, id, each, 'pending');
  await receiver.reset();
  await Promise.all(ids.map(id => hub.resume(id)));
  const rate = ratePerSecond(await receiver.got(each * ids.length));
  await Promise.all(ids.map(id => hub.pause(id)));
  await hub.quiet();
  return rate;
}
