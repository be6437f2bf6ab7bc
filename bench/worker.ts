import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { BenchHub } from './bench-hub.ts';

const cpu = z.object({ cpu: z.number() });

/** A worker process beside a hub, on its database. */
export class BenchWorker implements AsyncDisposable {
  readonly #child: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#child = child;
  }

  static async start(hub: BenchHub): Promise<BenchWorker> {
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: hub.databaseUrl,
      HUB_ENCRYPTION_KEY: await hub.encryptionKey(),
      HUB_TARGET_ALLOW: '127.0.0.0/8',
      HUB_ROLES: 'worker',
      HUB_PORT: '0',
      HUB_LOG_LEVEL: 'error',
      HUB_LOG_FORMAT: 'json',
    };
    const child = fork(fileURLToPath(new URL('hub-process.ts', import.meta.url)), { env, stdio: 'inherit' });
    await once(child, 'message');
    return new BenchWorker(child);
  }

  /** Processor time that the process has used, seconds. */
  async cpuSeconds(): Promise<number> {
    this.#child.send('cpu');
    const [message] = await once(this.#child, 'message');
    return cpu.parse(message).cpu;
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill(): Promise<void> {
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
