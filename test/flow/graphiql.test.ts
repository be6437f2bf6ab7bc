import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import Fastify, { type FastifyInstance } from 'fastify';
import { buildSchema, type ExecutionResult, graphql } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { build } from 'vite';
import { WebSocketServer } from 'ws';
import { registerGraphiql } from '../../src/server/graphql/graphiql.ts';
import { HostNames } from '../../src/server/guards/host-check.ts';

const chromiumPath = process.env['CHROMIUM'] ?? '/usr/bin/chromium';
const repository = path.resolve(import.meta.dirname, '../..');
const goodKey = 'vh_test_0123456789';

const schema = buildSchema(`
  type Voucher { voucherNo: String!, amount: String!, currency: String! }
  type VoucherEdge { node: Voucher! }
  type VoucherConnection { edges: [VoucherEdge!]! }
  type Query { vouchers(first: Int!): VoucherConnection! }
  type Subscription { ticks: Int! }
`);

const node = { voucherNo: 'RE-2025-0001', amount: '119.00', currency: 'EUR' };
const rootValue = {
  vouchers: () => ({ edges: [{ node }] }),
  async *ticks() {
    yield { ticks: 4711 };
  },
};

/** The authorizations that reached the hub's stand-in, by way of transport. */
interface Seen {
  readonly http: (string | undefined)[];
  readonly webSocket: unknown[];
}

interface GraphqlBody {
  readonly query: string;
  readonly operationName?: string;
}

const unauthenticated: ExecutionResult = { data: null };

function addGraphql(app: FastifyInstance, seen: Seen): void {
  app.post<{ Body: GraphqlBody }>('/graphql', async (request, reply) => {
    seen.http.push(request.headers.authorization);
    if (request.headers.authorization !== `Bearer ${goodKey}`) return reply.code(401).send(unauthenticated);
    const { query, operationName } = request.body;
    return graphql({ schema, rootValue, source: query, operationName: operationName ?? null });
  });
  const sockets = new WebSocketServer({ server: app.server, path: '/graphql' });
  const stand = useServer(
    {
      schema,
      roots: { subscription: rootValue },
      onConnect: context => {
        seen.webSocket.push(context.connectionParams?.['authorization']);
        return context.connectionParams?.['authorization'] === `Bearer ${goodKey}`;
      },
    },
    sockets,
  );
  app.addHook('preClose', () => stand.dispose());
}

async function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What the page did that it should not have done. */
interface Faults {
  readonly foreign: string[];
  readonly console: string[];
}

/** Turns away and notes each request that is not for `origin`; notes errors, CSP violations among them. */
async function watch(context: BrowserContext, origin: string): Promise<Faults> {
  const faults: Faults = { foreign: [], console: [] };
  await context.route(
    url => url.origin !== origin,
    route => {
      faults.foreign.push(route.request().url());
      return route.abort();
    },
  );
  context.on('console', message => {
    if (message.type() === 'error' || message.type() === 'warning') faults.console.push(message.text());
  });
  context.on('weberror', error => faults.console.push(String(error.error())));
  return faults;
}

/** Replaces the operation in the editor, as a person would: select all, then type. */
async function typeOperation(page: Page, operation: string): Promise<void> {
  await page.locator('.graphiql-query-editor .view-lines').click();
  await page.keyboard.press('ControlOrMeta+a');
  await page.keyboard.insertText(operation);
}

const run = (page: Page) => page.getByRole('button', { name: 'Execute query' }).click();
const result = (page: Page) => page.locator('.result-window .view-lines');
const explorer = (page: Page) => page.getByRole('button', { name: 'Show Documentation Explorer' });

/** Opens the page and waits until Monaco shows the default query: before that, running does nothing. */
async function open(page: Page, origin: string): Promise<void> {
  await page.goto(`${origin}/graphiql`);
  await page.locator('.graphiql-query-editor .view-lines').getByText('voucherNo').waitFor();
}

async function giveKey(page: Page): Promise<void> {
  await page.getByLabel('API key').fill(goodKey);
  await page.getByLabel('API key').press('Enter');
  await page.getByText('Key in use, in this tab only.').waitFor();
}

describe('GraphiQL without a build', () => {
  it('answers 404 and says what to run', async () => {
    await using app = Fastify();
    await registerGraphiql(app, path.join(tmpdir(), 'no-such-console'), new HostNames([]));
    const answer = await app.inject('/graphiql');
    assert.equal(answer.statusCode, 404);
    assert.match(answer.body, /npm run build:console/);
  });
});

const noBrowser = existsSync(chromiumPath)
  ? false
  : `no chromium at ${chromiumPath} (apt-get install chromium)`;

describe('GraphiQL in a browser', { skip: noBrowser }, () => {
  const seen: Seen = { http: [], webSocket: [] };
  const app = Fastify();
  let folder: string;
  let origin: string;
  let browser: Browser;

  before(async () => {
    // Built anew, into a folder of its own: the test is about this source, not about an older dist/console.
    folder = await mkdtemp(path.join(tmpdir(), 'graphiql-'));
    const configFile = path.join(repository, 'console/vite.config.ts');
    await build({ configFile, logLevel: 'error', build: { outDir: folder } });
    await registerGraphiql(app, folder, new HostNames([]));
    addGraphql(app, seen);
    origin = await app.listen({ host: '127.0.0.1', port: 0 });
    browser = await launch();
  });

  after(async () => {
    await browser?.close();
    await app.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('sends strict headers; assets may be kept, the page may not', async () => {
    const page = await app.inject('/graphiql');
    assert.equal(page.headers['cache-control'], 'no-cache');
    assert.equal(page.headers['x-content-type-options'], 'nosniff');
    assert.equal(page.headers['referrer-policy'], 'no-referrer');
    assert.match(
      String(page.headers['content-security-policy']),
      /default-src 'none'.*frame-ancestors 'none'/,
    );
    const script = /src="(\/graphiql\/assets\/[^"]+\.js)"/.exec(page.body)?.[1];
    assert.ok(script);
    const asset = await app.inject(script);
    assert.equal(asset.headers['cache-control'], 'public, max-age=31536000, immutable');
    assert.equal(asset.headers['content-security-policy'], page.headers['content-security-policy']);
  });

  it('runs the default query and a subscription with the key that was typed, and asks no other host', async () => {
    const context = await browser.newContext({ colorScheme: 'dark', viewport: { width: 1280, height: 800 } });
    const faults = await watch(context, origin);
    const page = await context.newPage();
    // Monaco starts it when it finds the time; a bundle without it would work but for completion and checks.
    const languageWorker = page.waitForEvent('worker', worker => worker.url().includes('/graphql.worker-'));

    await open(page, origin);
    assert.equal(await page.title(), 'Voucher Hub · GraphiQL');
    await run(page);
    await result(page).getByText('Enter an API key').waitFor();
    assert.deepEqual(seen.http, [], 'nothing is sent without a key');

    await giveKey(page);
    await run(page);
    await result(page).getByText('RE-2025-0001').waitFor();
    await explorer(page).click();
    await page.locator('.graphiql-doc-explorer').getByText('Subscription', { exact: true }).waitFor();
    assert.ok(seen.http.every(authorization => authorization === `Bearer ${goodKey}`));
    assert.deepEqual(seen.webSocket, [], 'no socket without a subscription');
    const picture = process.env['GRAPHIQL_SCREENSHOT'];
    if (picture !== undefined) await page.screenshot({ path: picture });

    await typeOperation(page, 'subscription { ticks }');
    await run(page);
    await result(page).getByText('4711').waitFor();
    assert.deepEqual(seen.webSocket, [`Bearer ${goodKey}`]);

    await languageWorker;
    assert.deepEqual(faults, { foreign: [], console: [] });
    await context.close();
  });

  it('opened by the link of an alert message shows the query for what fires, and runs nothing by itself', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const asked = seen.http.length;
    await page.goto(`${origin}/graphiql?show=alerts`);
    await page.locator('.graphiql-query-editor .view-lines').getByText('alerts').waitFor();
    assert.equal(seen.http.length, asked);
    await context.close();
  });

  it('keeps the key in the tab: not in localStorage, not in another tab, and not after Forget', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    await open(page, origin);
    await giveKey(page);
    await run(page);
    await result(page).getByText('RE-2025-0001').waitFor();
    // Cookies and localStorage are what a storage state holds.
    assert.ok(!JSON.stringify(await context.storageState()).includes(goodKey));

    await page.reload();
    await page.getByText('Key in use, in this tab only.').waitFor();
    const other = await context.newPage();
    await other.goto(`${origin}/graphiql`);
    await other.getByText('No key yet.').waitFor();

    await page.getByRole('button', { name: 'Forget' }).click();
    await page.reload();
    await page.getByText('No key yet.').waitFor();
    await context.close();
  });
});
