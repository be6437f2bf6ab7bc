import { setTimeout as pause } from 'node:timers/promises';
import { BenchHub } from './bench-hub.ts';
import { BenchReceiver, monotonicMs, quantile } from './support.ts';

/**
 * From a mutation answered to its request received, at 100 events a second. Negative where the request was
 * there before the answer. Milliseconds.
 */
export async function latency(events: number): Promise<{ p50: number; p99: number; max: number }> {
  using receiver = await BenchReceiver.start();
  await using hub = await BenchHub.start();
  await hub.resume(await hub.subscribe(receiver.url));
  await run(hub, receiver, 200, 'warm');
  const times = await run(hub, receiver, events, 'run');
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99), max: Math.max(...times) };
}

async function run(hub: BenchHub, receiver: BenchReceiver, events: number, name: string): Promise<number[]> {
  await receiver.reset();
  const answered = new Map<string, number>();
  const calls: Promise<void>[] = [];
  const startedAt = monotonicMs();
  for (let n = 0; n < events; n += 1) {
    // By the plan rather than by the last call, so that a slow moment is not hidden by asking less.
    await pause(Math.max(0, startedAt + n * 10 - monotonicMs()));
    calls.push(record(hub, `${name}-${n}`, answered));
  }
  await Promise.all(calls);
  const { arrivals } = await receiver.got(events);
  return arrivals.map(({ id, at }) => at - (answered.get(id) ?? Number.NaN));
}

async function record(hub: BenchHub, mark: string, answered: Map<string, number>): Promise<void> {
  await hub.record(mark);
  answered.set(mark, monotonicMs());
}
