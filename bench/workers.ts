import { BenchHub } from './bench-hub.ts';
import { fill } from './fill.ts';
import { BenchReceiver, ratePerSecond } from './support.ts';
import { BenchWorker } from './worker.ts';

/** Holds what the deliveries are of: eight subscriptions, or one with four shards. */
export type WorkersLoad = 'several' | 'sharded';

/** Holds what a set of worker processes made of a backlog. */
export interface WorkersFigure {
  /** Deliveries a second. */
  readonly rate: number;
  /** Processor time of a delivery, microseconds: all workers', and PostgreSQL's. */
  readonly workerUs: number;
  readonly postgresUs: number;
}

/** The figures of each set, in the order of rounds. */
export type WorkersFigures = Readonly<Record<WorkersLoad, readonly WorkersFigure[]>>;

const subscriptions = 8;
const shards = 4;
const loads: readonly WorkersLoad[] = ['several', 'sharded'];

/** Worker processes beside a hub on a database of its own, so that the others do nothing while it has its turn. */
interface WorkerSet {
  readonly hub: BenchHub;
  readonly workers: readonly BenchWorker[];
  readonly ids: Readonly<Record<WorkersLoad, readonly string[]>>;
  readonly figures: Record<WorkersLoad, WorkersFigure[]>;
}

/**
 * Gives what sets of worker processes deliver of the same backlog on the same cores. All are started and warmed up first, a
 * fresh process compiles its code while it works; then they take turns, the first another one each round. A hub's own
 * process only serves the API and the schedules.
 * @param counts processes of each set
 * @param count syncs of each turn
 * @returns the figures in the order of `counts`
 */
export async function workers(
  counts: readonly number[],
  rounds: number,
  count: number,
): Promise<WorkersFigures[]> {
  using receiver = await BenchReceiver.start();
  await using running = new AsyncDisposableStack();
  const sets: WorkerSet[] = [];
  for (const number of counts) sets.push(await startSet(running, receiver, number));
  for (const load of loads)
    for (const set of sets) await drainAll(set, receiver, load, (count / 4) * set.workers.length);
  for (let round = 0; round < rounds; round += 1) {
    const first = round % sets.length;
    const inTurn = [...sets.slice(first), ...sets.slice(0, first)];
    for (const load of loads)
      for (const set of inTurn) set.figures[load].push(await drainAll(set, receiver, load, count));
  }
  return sets.map(set => set.figures);
}

async function startSet(
  running: AsyncDisposableStack,
  receiver: BenchReceiver,
  number: number,
): Promise<WorkerSet> {
  const hub = running.use(await BenchHub.start({ HUB_ROLES: 'api,scheduler' }));
  const several: string[] = [];
  for (let n = 0; n < subscriptions; n += 1)
    several.push(await hub.subscribe(receiver.url, { name: `several-${n}`, maxInFlight: 16 }));
  const sharded = await hub.subscribe(receiver.url, { name: 'sharded', shards, maxInFlight: 64 });
  const started: BenchWorker[] = [];
  for (let n = 0; n < number; n += 1) started.push(running.use(await BenchWorker.start(hub)));
  const figures = { several: [], sharded: [] };
  return { hub, workers: started, ids: { several, sharded: [sharded] }, figures };
}

async function drainAll(
  set: WorkerSet,
  receiver: BenchReceiver,
  load: WorkersLoad,
  count: number,
): Promise<WorkersFigure> {
  const { hub } = set;
  const ids = set.ids[load];
  const each = Math.ceil(count / ids.length);
  const total = each * ids.length;
  for (const id of ids) await fill(hub.db, id, each, 'pending');
  await receiver.reset();
  const before = await usedBy(set);
  await Promise.all(ids.map(id => hub.resume(id)));
  const rate = ratePerSecond(await receiver.got(total));
  await Promise.all(ids.map(id => hub.pause(id)));
  await hub.quiet();
  const after = await usedBy(set);
  const us = (seconds: number) => (seconds / total) * 1e6;
  return {
    rate,
    workerUs: us(after.workers - before.workers),
    postgresUs: us(after.postgres - before.postgres),
  };
}

/** Processor time so far, seconds. */
async function usedBy({ hub, workers: working }: WorkerSet): Promise<{ workers: number; postgres: number }> {
  const seconds = await Promise.all(working.map(worker => worker.cpuSeconds()));
  return { workers: seconds.reduce((sum, one) => sum + one, 0), postgres: await hub.postgresSeconds() };
}
