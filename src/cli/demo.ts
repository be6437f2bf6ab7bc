import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { processEnvironment, readConfig } from '../config/config.ts';
import { systemClock } from '../core/clock.ts';
import { HubError } from '../core/errors.ts';
import { createLogger } from '../core/logger.ts';
import { createSecret } from '../delivery/webhook/sign.ts';
import { createClient } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { printCopyLines } from './demo/copy-lines.ts';
import { HubView } from './demo/hub-view.ts';
import { playStory, type Stage } from './demo/story.ts';
import { TaxSystem } from './demo/tax-process.ts';
import { listenForStop, type Stop } from './signals.ts';
import { openHub } from './start.ts';
import { createSubscription } from './subscriptions/create.ts';
import { duration, note, print } from './terminal.ts';

/** Exit code after Ctrl-C: 128 + SIGINT. */
const stoppedExitCode = 130;

/** Short, so that the story need not wait: attempts after 0, 0.2 and 0.6 s. */
const retry = { maxRetries: 2, baseDelayMs: 200, maxDelayMs: 1_000, jitter: 0 };

const eventTypes = ['l1_confirmed', 'invoice_*', 'l2_settlement_created'];

/** `hub demo`: the hub at work, with a settlement system and a tax system, on one terminal. */
export function demoCommand(result: CommandResult): Command {
  return new Command('demo')
    .description('run a hub with a sample settlement system and a sample tax system beside it')
    .option('--once', 'end after the story; exits 0 only if all of it came out')
    .addHelpText(
      'after',
      '\nIt works in a temporary folder, which it removes at the end, and needs nothing installed. HUB_PORT: its port (4000, or any free one).',
    )
    .action(async (options: { once?: boolean }) => {
      result.exitCode = await demo(options.once === true);
    });
}

async function demo(isOnce: boolean): Promise<number> {
  using stop = listenForStop();
  const folder = await mkdtemp(path.join(tmpdir(), 'hub-demo-'));
  print(`Voucher hub demo, in ${folder} (the hub's log: hub.log)\n`);
  const startedAt = systemClock.now();
  try {
    await run(folder, isOnce, stop);
  } catch (error) {
    if (!stop.signal.aborted) {
      note(`The folder stays, for a look: ${folder}`);
      throw error;
    }
  }
  await rm(folder, { recursive: true, force: true });
  if (stop.signal.aborted) print(`Stopped; ${folder} is removed.`);
  else
    print(
      `Done in ${duration(systemClock.now() - startedAt)}; ${folder} is removed. \`hub demo\` without --once stays up to play with.`,
    );
  return isOnce && stop.signal.aborted ? stoppedExitCode : 0;
}

async function run(folder: string, isOnce: boolean, stop: Stop): Promise<void> {
  await using parts = new AsyncDisposableStack();
  const key = `hub_${randomBytes(24).toString('base64url')}`;
  const { stage, url } = await setUp(folder, key, stop.signal, parts);
  await playStory(stage);
  if (isOnce) return;
  printCopyLines({ url, key, folder, webhookUrl: stage.tax.webhookUrl });
  stage.tax.onReceipt(({ sourceId, version, answered, reason }) => {
    print(
      `→ tax system: ${sourceId} version ${version}, signatures verified, answered ${answered}${reason === null ? '' : ` (${reason})`}`,
    );
  });
  await stop.asked;
  print('\nStopping …');
}

async function setUp(
  folder: string,
  key: string,
  stop: AbortSignal,
  parts: AsyncDisposableStack,
): Promise<{ stage: Stage; url: string }> {
  const startedAt = systemClock.now();
  const logFile = createWriteStream(path.join(folder, 'hub.log'));
  parts.defer(async () => {
    logFile.end();
    await once(logFile, 'close');
  });
  const log = createLogger({ level: 'info', pretty: false, destination: logFile });
  const config = readConfig({
    HUB_PORT: await choosePort(),
    HUB_DATA_DIR: folder,
    HUB_ADMIN_KEY: key,
    HUB_LOG_FORMAT: 'json',
  });
  const hub = parts.use(await openHub(config, { log }));
  print(`  ✓ hub up at ${hub.url}, on an embedded PostgreSQL  (${duration(systemClock.now() - startedAt)})`);
  const secret = createSecret();
  const tax = parts.use(new TaxSystem(secret, path.join(folder, 'tax-system.jsonl')));
  await tax.start();
  print(`  ✓ tax system listens at ${tax.webhookUrl}, in a process of its own (${tax.pid})`);
  const client = createClient({ url: hub.url, key });
  const input = {
    name: '税务系统',
    targetSystem: 'tax',
    eventTypes,
    webhookUrl: tax.webhookUrl,
    secret,
    retry,
  };
  const { createDataSubscription: made } = await client.request(createSubscription, { input });
  const subscriptionId = made.subscription.id;
  print(`  ✓ tax system subscribed to ${eventTypes.join(', ')} (subscription ${subscriptionId})`);
  const view = new HubView({ client, clock: systemClock, subscriptionId, stop });
  return { stage: { client, clock: systemClock, tax, view, subscriptionId }, url: hub.url };
}

/** The wanted port where it is free, else 0: any free one. */
async function choosePort(): Promise<string> {
  const wanted = processEnvironment().HUB_PORT ?? '4000';
  const port = Number(wanted);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new HubError('BAD_USER_INPUT', `HUB_PORT: ${wanted} is no port.`);
  const server = createServer();
  const isFree = await new Promise<boolean>(resolve => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
  return isFree ? String(port) : '0';
}
