import { type ChildProcess, fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Pool } from 'pg';
import { Pool as HttpPool } from 'undici';
import { z } from 'zod';
import { BenchDatabase } from './bench-database.ts';
import { postgresSeconds } from './processor-time.ts';

const started = z.object({ url: z.string(), databaseUrl: z.string() });
const memory = z.object({ rss: z.number() });
const cpu = z.object({ cpu: z.number() });

const subscribed = z.object({
  data: z.object({
    createDataSubscription: z.object({ secret: z.string(), subscription: z.object({ id: z.string() }) }),
  }),
});
const checkedReport = z.object({
  data: z.object({
    runConsistencyCheck: z.object({
      state: z.string(),
      checked: z.number(),
      differenceCount: z.number(),
    }),
  }),
});

const recordOne = 'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { deliveries } }';

const encryptionKey = randomBytes(32).toString('base64');

/** Gives what an embedded hub has by itself: its database, a key, and targets on this machine. */
function externalSettings({ url }: BenchDatabase): Record<string, string> {
  return { DATABASE_URL: url, HUB_ENCRYPTION_KEY: encryptionKey, HUB_TARGET_ALLOW: '127.0.0.1' };
}

/**
 * A hub in a process of its own on an embedded PostgreSQL in a fresh folder, or on the server that `benchOn` named, and
 * a connection to its database.
 */
export class BenchHub implements AsyncDisposable {
  readonly url: string;
  readonly databaseUrl: string;
  readonly db: Pool;
  readonly key: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #database: BenchDatabase | null;
  readonly #http: HttpPool;

  private constructor(
    child: ChildProcess,
    { folder, key, database }: { folder: string; key: string; database: BenchDatabase | null },
    at: z.infer<typeof started>,
  ) {
    this.#child = child;
    this.#folder = folder;
    this.#database = database;
    this.key = key;
    this.url = at.url;
    this.databaseUrl = at.databaseUrl;
    this.db = new Pool({ connectionString: at.databaseUrl, max: 64 });
    // A restart of the database cuts what is idle.
    this.db.on('error', () => {});
    this.#http = new HttpPool(at.url, { connections: 64 });
  }

  /** @param more settings that differ */
  static async start(more: Record<string, string> = {}): Promise<BenchHub> {
    const folder = await mkdtemp(path.join(tmpdir(), 'hub-bench-'));
    const key = `hub_bench_${randomBytes(24).toString('hex')}`;
    const database = await BenchDatabase.create();
    const env = {
      PATH: process.env.PATH,
      HUB_DATA_DIR: folder,
      HUB_PORT: '0',
      HUB_ADMIN_KEY: key,
      HUB_SUBSCRIPTIONS_PER_SYSTEM: '2000',
      HUB_LOG_LEVEL: 'warn',
      HUB_LOG_FORMAT: 'json',
      ...(database === null ? {} : externalSettings(database)),
      ...more,
    };
    const child = fork(fileURLToPath(new URL('hub-process.ts', import.meta.url)), { env, stdio: 'inherit' });
    const message = await new Promise<unknown>((resolve, reject) => {
      child.once('message', resolve);
      child.once('exit', () => reject(new Error('The hub did not start; it said above why.')));
    });
    return new BenchHub(child, { folder, key, database }, started.parse(message));
  }

  /** Asks the hub, over kept connections; throws on any error. */
  async ask(body: string): Promise<unknown> {
    const response = await this.#http.request({
      path: '/graphql',
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.key}` },
      body,
    });
    const answer: unknown = await response.body.json();
    if (typeof answer === 'object' && answer !== null && 'errors' in answer)
      throw new Error(JSON.stringify(answer.errors));
    return answer;
  }

  /** The key of the secrets, for other processes on the same database. */
  async encryptionKey(): Promise<string> {
    if (this.#database !== null) return encryptionKey;
    return (await readFile(path.join(this.#folder, 'encryption.key'), 'utf8')).trim();
  }

  /**
   * Brings the database to where it is after its first hours of use: PostgreSQL makes its first gigabyte of log files
   * anew, filling each with zeros while commits wait, and from then on uses the old ones again.
   */
  async settled(): Promise<void> {
    await this.db.query(
      `select count(pg_logical_emit_message(false, 'bench', repeat('x', 1000000))) from generate_series(1, 900)`,
    );
    await this.db.query('checkpoint');
  }

  /** Makes a subscription, paused; gives its id. @param more fields of the input that differ */
  async subscribe(webhookUrl: string, more: Record<string, string | number> = {}): Promise<string> {
    const query = `mutation ($input: CreateDataSubscriptionInput!) { createDataSubscription(input: $input) { subscription { id } } }`;
    const input = { name: 'bench', targetSystem: 'bench', eventTypes: ['*'], webhookUrl, ...more };
    await this.ask(JSON.stringify({ query, variables: { input } }));
    const { rows } = await this.db.query<{ id: string }>(
      'select max(id)::text as id from data_subscriptions',
    );
    const id = rows[0]?.id ?? '';
    await this.pause(id);
    return id;
  }

  /** Makes a subscription whose consumer is asked what it holds; gives its id and secret. */
  async subscribeChecked(url: string): Promise<{ id: string; secret: string }> {
    const query = `mutation ($u: String!) { createDataSubscription(input: { name: "checked", targetSystem: "bench", eventTypes: ["*"], webhookUrl: $u, consistencyUrl: $u }) { secret subscription { id } } }`;
    const answer = await this.ask(JSON.stringify({ query, variables: { u: url } }));
    const { secret, subscription } = subscribed.parse(answer).data.createDataSubscription;
    return { id: subscription.id, secret };
  }

  /** Waits until all that was recorded is folded in. */
  async folded(): Promise<void> {
    for (;;) {
      const { rows } = await this.db.query<{ done: boolean }>(
        'select last_event_id >= (select max(id) from fin_voucher_events) as done from consistency_fold',
      );
      if (rows[0]?.done === true) return;
      await pause(200);
    }
  }

  /** Runs a consistency check to its end, and says how long it took. */
  async check(subscriptionId: string): Promise<{ ms: number; checked: number }> {
    const query = `mutation ($id: ID!) { runConsistencyCheck(input: { subscriptionId: $id }) { state checked differenceCount errorMessage } }`;
    const startedAt = process.hrtime.bigint();
    const answer = await this.ask(JSON.stringify({ query, variables: { id: subscriptionId } }));
    const ms = Number(process.hrtime.bigint() - startedAt) / 1e6;
    const report = checkedReport.parse(answer).data.runConsistencyCheck;
    if (report.state !== 'DONE' || report.differenceCount !== 0) throw new Error(JSON.stringify(report));
    return { ms, checked: report.checked };
  }

  /** Makes so many subscriptions without a webhook; gives their ids. */
  async subscribeSockets(count: number): Promise<string[]> {
    const query = `mutation ($name: String!) { createDataSubscription(input: { name: $name, targetSystem: "bench", eventTypes: ["*"] }) { subscription { id } } }`;
    for (let n = 0; n < count; n += 1)
      await this.ask(JSON.stringify({ query, variables: { name: `socket-${n}` } }));
    const { rows } = await this.db.query<{ id: string }>(
      'select id::text from data_subscriptions where webhook_url is null order by id',
    );
    return rows.map(row => row.id);
  }

  get socketUrl(): string {
    return `${this.url.replace('http', 'ws')}/graphql`;
  }

  /** Records one voucher with a mark in its data. */
  async record(mark: string): Promise<void> {
    const input = {
      eventType: 'invoice_recorded',
      sourceSystem: 'bench',
      sourceModule: 'invoice',
      sourceType: 'sales_invoice',
      sourceId: mark,
      direction: 'DEBIT',
      amount: '139.12',
      currency: 'GBP',
      businessData: { mark },
    };
    await this.ask(JSON.stringify({ query: recordOne, variables: { input } }));
  }

  /** Waits until no sync is open any more. */
  async done(): Promise<void> {
    for (;;) {
      const { rows } = await this.db.query<{ count: number }>(
        'select count(*)::int as count from fin_open_syncs',
      );
      if (rows[0]?.count === 0) return;
      await pause(20);
    }
  }

  async pause(id: string): Promise<void> {
    await this.ask(JSON.stringify({ query: `mutation { pauseDataSubscription(id: "${id}") { state } }` }));
  }

  async resume(id: string): Promise<void> {
    await this.ask(JSON.stringify({ query: `mutation { resumeDataSubscription(id: "${id}") { state } }` }));
  }

  /** Waits until nothing is under way any more. */
  async quiet(): Promise<void> {
    for (;;) {
      const { rows } = await this.db.query<{ count: number }>(
        `select count(*)::int as count from fin_data_sync_logs where status = 'processing'`,
      );
      if (rows[0]?.count === 0) return;
      await pause(20);
    }
  }

  /** The hub process's resident memory, MiB. */
  async memoryMiB(): Promise<number> {
    this.#child.send('memory');
    const [message] = await once(this.#child, 'message');
    return memory.parse(message).rss / 2 ** 20;
  }

  /** Processor time that the hub process has used, seconds. */
  async cpuSeconds(): Promise<number> {
    this.#child.send('cpu');
    const [message] = await once(this.#child, 'message');
    return cpu.parse(message).cpu;
  }

  /** Processor time that its PostgreSQL has used, seconds. */
  async postgresSeconds(): Promise<number> {
    const { rows } = await this.db.query<{ data_directory: string }>('show data_directory');
    return postgresSeconds(rows[0]?.data_directory ?? '');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#http.close();
    await this.db.end();
    this.#child.disconnect();
    await once(this.#child, 'exit');
    await this.#database?.[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}
