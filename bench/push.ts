import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { BenchHub } from './bench-hub.ts';
import { fill } from './fill.ts';
import { monotonicMs, quantile, ratePerSecond } from './support.ts';

const report = z.object({
  count: z.number(),
  first: z.number(),
  last: z.number(),
  arrivals: z.array(z.object({ id: z.string(), at: z.number() })),
  attached: z.number(),
});
type Report = z.infer<typeof report>;

/** The longest window that the hub gives. */
const prefetch = 500;

/** Attached consumers in a process of their own. */
class BenchConsumers implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(): Promise<BenchConsumers> {
    const child = fork(fileURLToPath(new URL('push-consumer-process.ts', import.meta.url)), {
      stdio: 'inherit',
    });
    await once(child, 'message');
    return new BenchConsumers(child);
  }

  attach(at: { url: string; key: string; subscriptionIds: string[]; prefetch: number }): void {
    this.#child.send(at);
  }

  async reset(): Promise<void> {
    this.#child.send('reset');
    await once(this.#child, 'message');
  }

  /** Waits until its report is as it should be. */
  async until(is: (now: Report) => boolean, withinMs = 120_000): Promise<Report> {
    const deadline = monotonicMs() + withinMs;
    for (;;) {
      this.#child.send('report');
      const now = report.parse((await once(this.#child, 'message'))[0]);
      if (is(now)) return now;
      if (monotonicMs() > deadline) throw new Error(`The consumers got ${now.count} within ${withinMs} ms.`);
      await pause(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.disconnect();
    await once(this.#child, 'exit');
  }
}

/** Acknowledged pushes a second to one consumer, against a bare server; taken in turns. */
export async function push(rounds: number, count: number): Promise<{ hub: number; floor: number }[]> {
  await using hub = await BenchHub.start();
  const [id = ''] = await hub.subscribeSockets(1);
  const results: { hub: number; floor: number }[] = [];
  for (let round = -1; round < rounds; round += 1) {
    const figures = { hub: await throughHub(hub, id, count), floor: await throughFloor(count) };
    if (round >= 0) results.push(figures);
  }
  return results;
}

async function throughHub(hub: BenchHub, id: string, count: number): Promise<number> {
  await fill(hub.db, id, count, 'pending');
  await using consumers = await BenchConsumers.start();
  consumers.attach({ url: hub.socketUrl, key: hub.key, subscriptionIds: [id], prefetch });
  const rate = ratePerSecond(await consumers.until(now => now.count >= count));
  await hub.done();
  return rate;
}

async function throughFloor(count: number): Promise<number> {
  const file = fileURLToPath(new URL('push-floor-process.ts', import.meta.url));
  const child = fork(file, [String(count)], { stdio: 'inherit' });
  const { port } = z.object({ port: z.number() }).parse((await once(child, 'message'))[0]);
  try {
    await using consumers = await BenchConsumers.start();
    const url = `ws://127.0.0.1:${port}/graphql`;
    consumers.attach({ url, key: 'none', subscriptionIds: ['1'], prefetch });
    return ratePerSecond(await consumers.until(now => now.count >= count));
  } finally {
    child.disconnect();
  }
}

/** One event at a time to `consumers` attached consumers of as many subscriptions; milliseconds from answer to arrival. */
export async function fanOut(consumers: number, events: number): Promise<{ p50: number; p99: number }> {
  await using hub = await BenchHub.start();
  await using attached = await BenchConsumers.start();
  const subscriptionIds = await hub.subscribeSockets(consumers);
  attached.attach({ url: hub.socketUrl, key: hub.key, subscriptionIds, prefetch: 10 });
  await attached.until(now => now.attached === consumers);
  const times: number[] = [];
  for (let n = -5; n < events; n += 1) {
    await attached.reset();
    await hub.record(`fan-${n}`);
    const answered = monotonicMs();
    const { arrivals } = await attached.until(now => now.count === consumers);
    if (n >= 0) times.push(...arrivals.map(({ at }) => at - answered));
  }
  return { p50: quantile(times, 0.5), p99: quantile(times, 0.99) };
}

/** Gives what `consumers` attached consumers cost the hub while nothing happens: KiB each, and the share of a core. */
export async function idle(consumers: number, seconds: number): Promise<{ kiBEach: number; core: number }> {
  await using hub = await BenchHub.start();
  const subscriptionIds = await hub.subscribeSockets(consumers);
  await pause(2_000);
  const before = await hub.memoryMiB();
  await using attached = await BenchConsumers.start();
  for (let at = 0; at < consumers; at += 200) {
    const part = subscriptionIds.slice(at, at + 200);
    attached.attach({ url: hub.socketUrl, key: hub.key, subscriptionIds: part, prefetch: 10 });
    await attached.until(now => now.attached === at + part.length);
  }
  await pause(5_000);
  const kiBEach = ((await hub.memoryMiB()) - before) * (1_024 / consumers);
  const cpuBefore = await hub.cpuSeconds();
  await pause(seconds * 1_000);
  return { kiBEach, core: ((await hub.cpuSeconds()) - cpuBefore) / seconds };
}
