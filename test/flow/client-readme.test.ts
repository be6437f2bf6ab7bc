import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { recordedVersions, voucherRequest } from '../support/client.ts';
import { adminKey, startTestHub, type TestHub } from '../support/hub.ts';
import { createEmptyDatabase } from '../support/postgres.ts';
import { recordVouchers, subscribe, syncsOf } from '../support/vouchers.ts';
import { once, until } from '../support/wait.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const hub: TestHub = await startTestHub();
after(() => hub[Symbol.asyncDispose]());

// As its README says: packed, and installed in a project of its own. What it depends on, and what the examples beside
// it use, is taken from here: no test needs the network.
const folder = await mkdtemp(path.join(tmpdir(), 'hub-readme-'));
after(() => rm(folder, { recursive: true, force: true }));
// Built before: to build it now would take files away from the tests beside this one.
npm(root, 'pack', '-w', '@voucher-hub/client', '--ignore-scripts', '--pack-destination', folder);
await writeFile(path.join(folder, 'package.json'), '{ "private": true }');
const here = (name: string) => path.join(root, 'node_modules', name);
npm(
  folder,
  'install',
  '--offline',
  'voucher-hub-client-0.1.0.tgz',
  ...['graphql', 'graphql-ws', 'ws'].map(here),
);
for (const name of ['pg', 'express', 'fastify'])
  await symlink(here(name), path.join(folder, 'node_modules', name));

function npm(cwd: string, ...args: string[]): void {
  execFileSync('npm', [...args, '--no-audit', '--no-fund'], { cwd, stdio: 'pipe' });
}

/** The README's examples, by the part's heading and their number under it. */
const examples = new Map<string, string>();
for (const section of (await readFile(path.join(root, 'clients/typescript/README.md'), 'utf8')).split(
  /^## /m,
)) {
  const heading = section.split('\n', 1)[0] ?? '';
  for (const [index, [, code = '']] of [...section.matchAll(/^```js\n([\s\S]*?)^```$/gm)].entries())
    examples.set(`${heading} ${index}`, code);
}

/** An example as a process of its own. */
interface Running {
  readonly process: ChildProcess;
  output(): string;
}

/** Runs an example as it stands; with the Node of CLIENT_NODE where that is set. */
async function run(example: string, environment: Record<string, string>): Promise<Running> {
  const code = examples.get(example) ?? assert.fail(`The README has no example ${example}.`);
  const file = path.join(folder, `${example.replace(' ', '-')}.mjs`);
  await writeFile(file, code);
  return start([file], environment);
}

function start(args: string[], environment: Record<string, string>): Running {
  const child = spawn(process.env.CLIENT_NODE ?? process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env.PATH, HUB_URL: hub.url, HUB_KEY: adminKey, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  after(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  return { process: child, output: () => output };
}

/** A port that is free now. */
async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return String(typeof address === 'object' ? address?.port : assert.fail());
}

async function createBookings(): Promise<Client> {
  const client = new Client({ connectionString: await createEmptyDatabase() });
  client.on('error', () => {});
  await client.connect();
  after(() => client.end().catch(() => {}));
  await client.query('create table bookings (invoice text, amount numeric)');
  return client;
}

function urlOf({ host, port, user, password, database }: Client): string {
  return `postgresql://${user}:${encodeURIComponent(password ?? '')}@${host}:${port}/${database}`;
}

/** Makes a subscription to a port of this machine. */
function subscribeTo(port: string, name: string): Promise<{ id: string; secret: string }> {
  return subscribe(hub, {
    name,
    eventTypes: ['invoice_*'],
    webhookUrl: `http://127.0.0.1:${port}/hook`,
    retry: { baseDelayMs: 20, maxRetries: 100, maxDelayMs: 100 },
  });
}

async function succeeded(subscriptionId: string, count: number): Promise<void> {
  await until(`${count} are delivered to ${subscriptionId}`, async () => {
    const syncs = await syncsOf(hub, { subscriptionId, statuses: ['SUCCESS'] });
    return syncs.length === count;
  });
}

test('the package that is installed is imported by the Node of this repository and by that of the machine', async t => {
  const folders = (process.env.PATH ?? '').split(path.delimiter);
  const others = folders.filter(one => !one.includes('node_modules')).map(one => path.join(one, 'node'));
  const program = "import('@voucher-hub/client').then(c => console.log(process.version, typeof c.Consumer))";
  for (const node of [process.execPath, others.find(file => existsSync(file)) ?? process.execPath]) {
    const output = execFileSync(node, ['-e', program], { cwd: folder, encoding: 'utf8' });
    assert.match(output, /^v\d+\S+ function\n$/);
    t.diagnostic(`imported by Node ${output}`);
  }
});

test('the Consumer of the README says that the hub is away, and what is wrong with an address', async () => {
  const away = await run('Consumer 0', { SUBSCRIPTION_ID: '1', HUB_URL: 'http://127.0.0.1:9' });
  await until('it says so', () => away.output().includes('ECONNREFUSED'));
  away.process.kill();
  for (const [url, message] of [
    ['', /url: nothing is given; give the hub's address, e\.g\. http/],
    ['hub.example.com', /url: "hub\.example\.com" is no address; give/],
  ] as const) {
    const wrong = await run('Consumer 0', { SUBSCRIPTION_ID: '1', HUB_URL: url });
    assert.deepEqual((await once(wrong.process, 'exit'))[0], 1);
    assert.match(wrong.output(), message);
  }
});

test('the Publisher of the README records its voucher', async () => {
  const running = await run('Publisher 0', {});
  await once(running.process, 'exit');
  assert.equal(running.output(), 'accepted left: 0\n');
  assert.equal((await recordedVersions(hub, 'INV-20251219-001')).length, 1);
});

test('the Publisher of the README says that its key is refused', async () => {
  const running = await run('Publisher 0', { HUB_KEY: 'hub_of_somebody_else' });
  await until('it says so', () => /API key/.test(running.output()));
  running.process.kill();
});

for (const [index, name] of ['node:http', 'Express', 'Fastify'].entries()) {
  test(`the receiver of the README takes a webhook on ${name}`, async () => {
    const port = await freePort();
    const { id, secret } = await subscribeTo(port, `readme-${name}`);
    const running = await run(`Webhook ${index}`, { PORT: port, WEBHOOK_SECRET: secret });
    await recordVouchers(hub, [{ ...voucherRequest(`README-${index}`) }]);
    await succeeded(id, 1);
    assert.equal(running.output(), `invoice_recorded README-${index} 100.00\n`);
    running.process.kill();
    await hub.data('mutation ($id: ID!) { deleteDataSubscription(id: $id) }', { id });
  });
}

test('the Inbox of the README books an invoice once', async () => {
  const bookings = await createBookings();
  await writeFile(path.join(folder, 'inbox.mjs'), examples.get('Inbox 0') ?? '');
  const event = JSON.stringify({
    sync_id: 5,
    mode: 'realtime',
    voucher: {
      source_system: 'settlement',
      source_module: 'invoice',
      source_id: 'INV-9',
      source_version: 1,
      digest: 'd',
      voucher_date: '2025-12-19',
      amount: '12.50',
    },
  });
  const program = `import { handle } from './inbox.mjs';
    console.log(await handle(${event}), await handle(${event}));
    process.exit();`;
  await writeFile(path.join(folder, 'book.mjs'), program);
  const running = start([path.join(folder, 'book.mjs')], { DATABASE_URL: urlOf(bookings) });
  await once(running.process, 'exit');
  assert.equal(running.output(), 'applied duplicate\n');
  assert.deepEqual((await bookings.query('select * from bookings')).rows, [
    { invoice: 'INV-9', amount: '12.50' },
  ]);
});

test('the VersionedCache of the README reads from the hub, and keeps what it is sent', async () => {
  const database = await createBookings();
  const port = await freePort();
  const { id, secret } = await subscribeTo(port, 'readme-cache');
  await recordVouchers(hub, [
    { ...voucherRequest('INV-20251219-001', { amount: '200000.00', sourceVersion: 2 }) },
  ]);
  const running = await run('VersionedCache 0', {
    DATABASE_URL: urlOf(database),
    PORT: port,
    WEBHOOK_SECRET: secret,
  });
  await succeeded(id, 1);
  await until('it has read', () => running.output() !== '');
  assert.equal(running.output(), '200000.00\n');
  const { rows } = await database.query('select source_id, source_version::int from hub_cache');
  assert.deepEqual(rows, [{ source_id: 'INV-20251219-001', source_version: 2 }]);
  running.process.kill();
});

test('the Consumer of the README gets events over the socket, and ends at SIGTERM', async () => {
  const { id } = await subscribe(hub, { name: 'readme-push', eventTypes: ['invoice_*'] });
  const running = await run('Consumer 0', { SUBSCRIPTION_ID: id });
  await recordVouchers(hub, [{ ...voucherRequest('README-PUSH') }]);
  await succeeded(id, 1);
  assert.equal(running.output(), 'invoice_recorded README-PUSH 100.00\n');
  running.process.kill('SIGTERM');
  const [code] = await once(running.process, 'exit');
  assert.equal(code, 0);
});

test('every example of the README is run by a test', () => {
  const run = [
    'Publisher 0',
    'Consumer 0',
    'Webhook 0',
    'Webhook 1',
    'Webhook 2',
    'Inbox 0',
    'VersionedCache 0',
  ];
  assert.deepEqual([...examples.keys()].toSorted(), run.toSorted());
  for (const [name, code] of examples) assert.ok(code.trimEnd().split('\n').length <= 13, name);
});
