import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after } from 'node:test';
import { Client } from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { Database, queueSchema } from '../../src/db/database.ts';
import { startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { openWakeUpQueue } from '../../src/jobs/queues.ts';
import { startPostgres } from './postgres-server.ts';

/** A PostgreSQL server for tests. */
export interface TestCluster extends AsyncDisposable {
  readonly url: string;
}

const template = 'hub_template';
const log = createLogger({ level: 'silent', pretty: false });
let own: Promise<TestCluster> | undefined;
let made = 0;

/**
 * Starts a server in a temporary folder, with a migrated database that others are copied from: the embedded one, or
 * that of the programs in the folder HUB_TEST_POSTGRES_BIN.
 */
export async function startTestCluster(): Promise<TestCluster> {
  const bin = process.env.HUB_TEST_POSTGRES_BIN;
  const cluster = bin === undefined ? await startEmbedded() : await startPostgres({ bin });
  await hasten(cluster.url);
  await administer(cluster.url, `create database ${template}`);
  const url = urlOf(cluster.url, template);
  await Database.migrate({ url, log });
  await using _queue = await openWakeUpQueue(
    { kind: 'postgres', url, schema: queueSchema },
    { log, clock: systemClock },
  );
  return cluster;
}

/**
 * Takes from a server what costs time and no test on it asks for: that it survives a crash of the machine, and that its
 * owner's password is proved, which takes some 10 ms of both sides for each connection.
 */
async function hasten(url: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    for (const setting of ['fsync', 'full_page_writes'])
      await client.query(`alter system set ${setting} = off`);
    const { rows } = await client.query<{ file: string }>("select current_setting('hba_file') as file");
    const file = rows[0]?.file;
    assert.ok(file !== undefined);
    const owner = 'local all hub trust\nhost all hub all trust\n';
    await writeFile(file, owner + (await readFile(file, 'utf8')));
    await client.query('select pg_reload_conf()');
  } finally {
    await client.end();
  }
}

async function startEmbedded(): Promise<TestCluster> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'hub-test-'));
  const postgres = await startEmbeddedPostgres({ dataDir, log, clock: systemClock });
  return {
    url: postgres.url,
    async [Symbol.asyncDispose]() {
      await postgres[Symbol.asyncDispose]();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** A fresh, migrated database; dropped when the file's tests are over. */
export async function createTestDatabase(): Promise<string> {
  const server = await serverUrl();
  const name = `test_${process.pid}_${++made}`;
  await administer(server, `create database ${name} template ${template}`);
  after(() => administer(server, `drop database if exists ${name} with (force)`).catch(() => {}));
  return urlOf(server, name);
}

/** An empty database, not migrated; dropped when the file's tests are over. */
export async function createEmptyDatabase(): Promise<string> {
  const server = await serverUrl();
  const name = `empty_${process.pid}_${++made}`;
  await administer(server, `create database ${name}`);
  after(() => administer(server, `drop database if exists ${name} with (force)`).catch(() => {}));
  return urlOf(server, name);
}

async function serverUrl(): Promise<string> {
  const shared = process.env.HUB_TEST_POSTGRES_URL;
  if (shared !== undefined) return shared;
  if (own === undefined) {
    own = startTestCluster();
    after(async () => (await own)?.[Symbol.asyncDispose]());
  }
  return (await own).url;
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

async function administer(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
