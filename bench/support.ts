import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

/** Milliseconds by a clock that all processes of this machine share and nobody sets. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

const listening = z.object({ listening: z.object({ port: z.number() }) });
const report = z.object({
  count: z.number(),
  first: z.number(),
  last: z.number(),
  arrivals: z.array(z.object({ id: z.string(), at: z.number() })),
});

/** Holds what the receiver got: how many, when the first and the last (monotonic milliseconds), and marked ones one by one. */
export type Report = z.infer<typeof report>;

/** A consumer in a process of its own. */
export class BenchReceiver implements Disposable {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.url = `http://127.0.0.1:${port}/hook`;
  }

  static async start(): Promise<BenchReceiver> {
    const child = fork(fileURLToPath(new URL('receiver-process.ts', import.meta.url)), { stdio: 'inherit' });
    const [message] = await once(child, 'message');
    return new BenchReceiver(child, listening.parse(message).listening.port);
  }

  async report(): Promise<Report> {
    this.#child.send('report');
    const [message] = await once(this.#child, 'message');
    return report.parse(message);
  }

  async reset(): Promise<void> {
    this.#child.send('reset');
    await once(this.#child, 'message');
  }

  /** Waits until it has got so many requests. */
  async got(count: number, withinMs = 120_000): Promise<Report> {
    const deadline = monotonicMs() + withinMs;
    for (;;) {
      const now = await this.report();
      if (now.count >= count) return now;
      if (monotonicMs() > deadline)
        throw new Error(`The receiver got ${now.count} of ${count} within ${withinMs} ms.`);
      await pause(20);
    }
  }

  [Symbol.dispose](): void {
    this.#child.disconnect();
  }
}

/** Requests a second between the first and the last. */
export function ratePerSecond({ count, first, last }: Report): number {
  return ((count - 1) * 1_000) / (last - first);
}

/** The value below which a share of the values lies. @param share 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Runs `work` `count` times, so many at once. */
export async function concurrently(
  count: number,
  width: number,
  work: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const shard = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, shard));
}
