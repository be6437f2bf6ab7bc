import { type ChildProcess, fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { HubError } from '../../core/errors.ts';
import type { TaxMessage, TaxReceipt } from './messages.ts';

/** The same kind of file as this one: .ts in a checkout, .js where built. */
const program = fileURLToPath(new URL(`./tax-system${path.extname(import.meta.url)}`, import.meta.url));

/** The tax system's process, and what it said. Dispose of it to stop it. */
export class TaxSystem implements AsyncDisposable {
  /** All that it took or refused, in the order of its answers; over restarts too. */
  readonly receipts: TaxReceipt[] = [];
  readonly #secret: string;
  readonly #file: string;
  readonly #events = new EventEmitter<{ receipt: [TaxReceipt] }>();
  #child: ChildProcess | undefined;
  #port = 0;

  constructor(secret: string, file: string) {
    this.#secret = secret;
    this.#file = file;
  }

  get webhookUrl(): string {
    return `http://127.0.0.1:${this.#port}/events`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Calls `listener` with each event that it took or refused. */
  onReceipt(listener: (receipt: TaxReceipt) => void): void {
    this.#events.on('receipt', listener);
  }

  /** Starts it; after a stop, on the same port. */
  async start(): Promise<void> {
    const child = fork(program, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#child = child;
    const listening = Promise.withResolvers<number>();
    child.on('message', (message: TaxMessage) => {
      if (message.kind === 'listening') return listening.resolve(message.port);
      this.receipts.push(message);
      this.#events.emit('receipt', message);
    });
    child.once('error', listening.reject);
    child.once('exit', () =>
      listening.reject(new HubError('UNAVAILABLE', `The tax system could not listen at ${this.webhookUrl}.`)),
    );
    // By message, not as an argument: what stands on a command line, every user of the machine can read.
    child.send({ port: this.#port, secret: this.#secret, file: this.#file });
    this.#port = await listening.promise;
  }

  /** Ends its process as a crash would: at once. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
