import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { loader } from './child.ts';
import { askerOf, type TestHub, testEnvironment } from './hub.ts';
import { once, within } from './wait.ts';

const child = fileURLToPath(new URL('hub-child.ts', import.meta.url));

/** A hub in a process of its own. Disposing of it kills what still runs. */
export interface HubProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Asks over HTTP, as with a hub in this process. */
  readonly hub: Pick<TestHub, 'ask' | 'data'>;
  /** True until the process has ended, for whatever reason. */
  isUp(): boolean;
  /** Gives what it has logged, for failures. */
  log(): string;
  /** SIGKILL: nothing is finished, nothing is told. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM: resolves when it has ended by itself, with its exit code. */
  stop(): Promise<number | null>;
}

/** Starts a hub process on a database and waits until it is up. @param env what differs from a test hub's settings */
export async function startHubProcess(
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<HubProcess> {
  const settings = { ...testEnvironment(databaseUrl), HUB_LOG_LEVEL: 'warn', ...env };
  const process_ = spawn(process.execPath, [...loader, child], {
    env: { PATH: process.env.PATH, ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  process_.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-20_000);
  });
  const url = await urlOf(process_, () => said);
  const ask = askerOf(url);
  const ended = async (signal: NodeJS.Signals) => {
    if (!isUp(process_)) return process_.exitCode;
    const exit = once(process_, 'exit');
    process_.kill(signal);
    await exit;
    return process_.exitCode;
  };
  return {
    url,
    pid: process_.pid ?? 0,
    hub: { ask, data: dataOf(ask) },
    isUp: () => isUp(process_),
    log: () => said,
    kill: async () => void (await ended('SIGKILL')),
    stop: () => ended('SIGTERM'),
    [Symbol.asyncDispose]: async () => void (await ended('SIGKILL')),
  };
}

function isUp({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

async function urlOf(process_: ChildProcess, said: () => string): Promise<string> {
  let printed = '';
  const line = new Promise<string>((resolve, reject) => {
    process_.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      if (printed.includes('\n')) resolve(printed);
    });
    process_.once('exit', code =>
      reject(new Error(`The hub ended with ${code} before it was up: ${said()}`)),
    );
  });
  const { url }: { url: string } = JSON.parse(await within('the hub process is up', line, 120_000));
  return url;
}

function dataOf(ask: TestHub['ask']): TestHub['data'] {
  return async <T>(query: string, variables?: Record<string, unknown>, key?: string | null): Promise<T> => {
    const answer = await ask(query, variables, key);
    if (answer.errors !== undefined) throw new Error(JSON.stringify(answer.errors));
    return JSON.parse(JSON.stringify(answer.data));
  };
}
