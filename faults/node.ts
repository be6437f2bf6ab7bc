import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, fstatSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Recorder } from './history.ts';
import { lastWords } from './last-words.ts';

const program = fileURLToPath(new URL('hub-process.ts', import.meta.url));

/** Sets how long to wait before starting again a process that ended, milliseconds: what a supervisor does. */
const startAgainMs = 500;

/** Sets how long it may take until it is up, milliseconds. */
const startWithinMs = 90_000;

/** The contract's bound on a stop in good order, and a margin for this machine, milliseconds. */
const stopWithinMs = 32_000;

/** A hub process that is kept running, unless the lab itself ends it. */
export class HubNode implements AsyncDisposable {
  readonly name: string;
  /** Says where it listens, without a proxy between. */
  readonly url: string;
  readonly #env: Record<string, string>;
  readonly #logFile: string;
  readonly #recorder: Recorder;
  #child: ChildProcess | undefined;
  /** Says where in the log the lines of this process begin, bytes. */
  #logFrom = 0;
  #isWanted = false;
  #isOver = false;
  #clockOffsetMs = 0;

  constructor(
    name: string,
    options: { port: number; env: Record<string, string>; logFile: string; recorder: Recorder },
  ) {
    this.name = name;
    this.url = `http://127.0.0.1:${options.port}`;
    this.#env = { ...options.env, HUB_PORT: String(options.port) };
    this.#logFile = options.logFile;
    this.#recorder = options.recorder;
  }

  /** Starts it, again and again where it does not start (its database may be away), until it is up. */
  async start(): Promise<void> {
    // A fault that was cut off may still want it back.
    if (this.#isOver) return;
    this.#isWanted = true;
    const giveUpAt = performance.now() + startWithinMs;
    while (this.#isWanted && !(await this.#startOnce())) {
      if (performance.now() > giveUpAt) throw new Error(`The lab's hub ${this.name} does not start.`);
      await pause(startAgainMs);
    }
  }

  /** SIGKILL: nothing is finished, nothing is told. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** SIGTERM; resolves when it has ended, which is helped along by a SIGKILL where it takes too long. */
  async stop(): Promise<void> {
    const child = this.#child;
    const tooLong = setTimeout(() => {
      this.#recorder.faultsOfHub.push(`${this.name} did not stop within ${stopWithinMs} ms`);
      child?.kill('SIGKILL');
    }, stopWithinMs);
    await this.#end('SIGTERM');
    clearTimeout(tooLong);
  }

  /** SIGSTOP: it stands still, and its connections with it. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Sets its clock off the machine's, also over restarts. */
  setClock(offsetMs: number): void {
    this.#clockOffsetMs = offsetMs;
    if (this.#child?.connected === true) this.#child.send(offsetMs);
  }

  /** For the moment in which this process itself ends: nothing is waited for. SIGKILL ends a frozen one too. */
  killAtOnce(): void {
    this.#isOver = true;
    this.#isWanted = false;
    this.#child?.kill('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.kill();
  }

  async #startOnce(): Promise<boolean> {
    const log = openSync(this.#logFile, 'a');
    this.#logFrom = fstatSync(log).size;
    // Detached: Ctrl-C is the lab's to hear, which then ends its processes in order.
    const child = fork(program, {
      env: { PATH: process.env.PATH, ...this.#env },
      stdio: ['ignore', log, log, 'ipc'],
      detached: true,
    });
    closeSync(log);
    this.#child = child;
    const tooLong = setTimeout(() => child.kill('SIGKILL'), startWithinMs);
    const isUp = await Promise.race([
      once(child, 'message').then(() => true),
      once(child, 'exit').then(() => false),
    ]);
    clearTimeout(tooLong);
    if (!isUp) return false;
    if (this.#clockOffsetMs !== 0) child.send(this.#clockOffsetMs);
    child.once('exit', (code, signal) => void this.#exited(child, code ?? signal));
    return true;
  }

  async #exited(child: ChildProcess, how: unknown): Promise<void> {
    if (!this.#isWanted || this.#child !== child) return;
    const words = await lastWords(this.#logFile, this.#logFrom, this.#secrets()).catch(String);
    this.#recorder.faultsOfHub.push(`${this.name} ended by itself (${String(how)}): ${words}`);
    await pause(startAgainMs);
    if (this.#isWanted && this.#child === child)
      await this.start().catch((error: unknown) => this.#recorder.faultsOfHub.push(String(error)));
  }

  #secrets(): string[] {
    const { HUB_ADMIN_KEY, HUB_ENCRYPTION_KEY, DATABASE_URL = '' } = this.#env;
    const password = URL.parse(DATABASE_URL)?.password;
    return [HUB_ADMIN_KEY, HUB_ENCRYPTION_KEY, password].flatMap(secret => secret || []);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    this.#isWanted = false;
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    await exit;
  }
}
