import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { loader } from './child.ts';
import { until, within } from './wait.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Says how a run of the command line ended. */
export interface CliEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The command line, running in a process of its own. */
export interface RunningCli {
  readonly child: ChildProcess;
  readonly ended: Promise<CliEnd>;
  /** Waits until something stands on its standard output. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  /** Waits until something stands on its standard error. */
  noted(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Starts `hub …`. Its environment holds nothing of the hub's but what is given. */
export function startCli(args: readonly string[], env: Record<string, string> = {}): RunningCli {
  const clean = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(HUB_|DATABASE_URL|REDIS_URL)/.test(name)),
  );
  const child = spawn(process.execPath, [...loader, 'src/main.ts', ...args], {
    cwd: root,
    env: { ...clean, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const end = new Promise<CliEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', code => resolve({ code, stdout, stderr }));
  });
  // It is waited for where it is asked for; until then it may run as long as the test wants.
  end.catch(() => {});
  after(() => child.kill('SIGKILL'));
  const said = (what: string, pattern: RegExp, text: () => string) =>
    until(`it ${what} ${pattern}`, () => pattern.exec(text()), 60_000).catch((error: unknown) => {
      throw new Error(`${String(error)} Its output: ${stdout}\nIts notes: ${stderr}`);
    });
  const printed = (pattern: RegExp) => said('prints', pattern, () => stdout);
  const noted = (pattern: RegExp) => said('notes', pattern, () => stderr);
  return {
    child,
    get ended() {
      return within(`hub ${args.join(' ')} ends`, end, 120_000);
    },
    printed,
    noted,
  };
}

/** Runs `hub …` to its end. */
export function runCli(args: readonly string[], env: Record<string, string> = {}): Promise<CliEnd> {
  return startCli(args, env).ended;
}

/** A folder that goes when the file's tests are over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'hub-cli-'));
  after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Holds what a gate does with a request: lets it through to the hub, or answers it with a status. */
export type Gate = (body: string) => Promise<'through' | number>;

/** A proxy before a hub that lets requests through as a test says. Dispose of it to stop it. */
export async function startGate(hubUrl: string, gate: Gate): Promise<{ url: string } & AsyncDisposable> {
  const server = createServer((request, response) => void pass(request, response, hubUrl, gate));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

async function pass(
  request: IncomingMessage,
  response: ServerResponse,
  hubUrl: string,
  gate: Gate,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString('utf8');
  const verdict = await gate(body);
  if (verdict !== 'through') return void response.writeHead(verdict).end();
  const answer = await fetch(`${hubUrl}${request.url}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: request.headers.authorization ?? '' },
    body,
  });
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
}
