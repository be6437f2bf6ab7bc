import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { Client } from 'pg';
import { systemClock } from '../../src/core/clock.ts';
import { errorCodeOf, HubError, messageOf } from '../../src/core/errors.ts';
import { createLogger } from '../../src/core/logger.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/db/embedded/embedded-postgres.ts';
import { locatePrograms } from '../../src/db/embedded/programs.ts';
import { loader } from '../support/child.ts';
import { once, until } from '../support/wait.ts';

const clock = systemClock;
const log = createLogger({ level: process.env.TEST_LOG ?? 'silent', pretty: false });
const asRoot = process.getuid?.() === 0;

const folders: string[] = [];
const children = new Set<ChildProcess>();

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const folder of folders) {
    const pid = await postmasterOf(folder).catch(() => undefined);
    if (pid !== undefined && (await commandOf(pid)) === 'postgres') process.kill(pid, 'SIGKILL');
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
});

/** A folder of its own for a hub; ordinary users may pass through to it, as to a checkout. */
async function newFolder(parent = tmpdir()): Promise<string> {
  const folder = await mkdtemp(join(parent, 'hub-embedded-'));
  await chmod(folder, 0o755);
  folders.push(folder);
  return folder;
}

const start = (dataDir: string) => startEmbeddedPostgres({ dataDir, log, clock });

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

async function postmasterOf(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

async function commandOf(pid: number): Promise<string | undefined> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const parsed = /\((.*)\) (\w)/.exec(status);
  return parsed?.[2] === 'Z' ? undefined : parsed?.[1];
}

const script = `
import { startEmbeddedPostgres } from ${JSON.stringify(new URL('../../src/db/embedded/embedded-postgres.ts', import.meta.url).href)};
import { systemClock } from ${JSON.stringify(new URL('../../src/core/clock.ts', import.meta.url).href)};
import { createLogger } from ${JSON.stringify(new URL('../../src/core/logger.ts', import.meta.url).href)};
const log = createLogger({ level: 'silent', pretty: false });
try {
  const postgres = await startEmbeddedPostgres({ dataDir: process.env.FOLDER, log, clock: systemClock });
  console.log('url ' + postgres.url);
  process.once('SIGTERM', () => postgres[Symbol.asyncDispose]());
} catch (error) {
  console.log(error.code + ' ' + error.message);
}`;

/** A hub in a process of its own. */
function spawnHub(dataDir: string): { child: ChildProcess; said: Promise<string> } {
  const args = [...loader, '--input-type=module', '--eval', script];
  const env = { ...process.env, FOLDER: dataDir };
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  child.once('exit', () => children.delete(child));
  const said = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line));
  // One that is killed before it is up says nothing, and nobody waits for it.
  said.catch(() => {});
  return { child, said };
}

/** Starts a hub in a process of its own and kills that when it is up: its server runs on. */
async function killedHub(dataDir: string): Promise<string> {
  const { child, said } = spawnHub(dataDir);
  const line = await said;
  assert.match(line, /^url /);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return line.slice('url '.length);
}

async function rejection(promise: Promise<EmbeddedPostgres>): Promise<HubError> {
  try {
    await (await promise)[Symbol.asyncDispose]();
  } catch (error) {
    assert.ok(error instanceof HubError, messageOf(error));
    return error;
  }
  return assert.fail('it started');
}

describe('the embedded PostgreSQL', () => {
  it('keeps data over a stop and a start, and is durable, private and in UTC', async () => {
    const folder = await newFolder();
    const first = await start(folder);
    await query(first.url, 'create table kept (n int)');
    await query(first.url, 'insert into kept values (42)');
    const settings = [
      'fsync',
      'synchronous_commit',
      'timezone',
      'jit',
      'listen_addresses',
      'unix_socket_directories',
      'server_encoding',
    ];
    const shown = await query(
      first.url,
      `select ${settings.map(name => `current_setting('${name}')`).join(', ')}`,
    );
    assert.deepEqual(shown, ['on', 'on', 'UTC', 'off', '127.0.0.1', '', 'UTF8']);
    assert.equal((await stat(join(folder, 'postgres'))).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder, 'postgres', 'hub-password'))).mode & 0o777, 0o600);
    const stranger = new URL(first.url);
    stranger.password = 'guess';
    await assert.rejects(query(stranger.href, 'select 1'), error => errorCodeOf(error) === '28P01');
    const pid = await postmasterOf(folder);
    await first[Symbol.asyncDispose]();
    await first[Symbol.asyncDispose]();
    await until('the server is gone', async () => (await commandOf(pid)) === undefined);
    await using second = await start(folder);
    assert.deepEqual(await query(second.url, 'select n from kept'), [42]);
  });

  it('adopts the server that a killed hub left running', async () => {
    const folder = await newFolder();
    const url = await killedHub(folder);
    await query(url, 'create table kept (n int)');
    const pid = await postmasterOf(folder);
    await using adopted = await start(folder);
    assert.equal(adopted.url, url);
    assert.equal(await postmasterOf(folder), pid);
    assert.deepEqual(await query(adopted.url, 'select count(*)::int from kept'), [0]);
  });

  it('recovers when the hub and the server were both killed, a session still busy', async () => {
    const folder = await newFolder();
    const url = await killedHub(folder);
    await query(url, 'create table kept (n int)');
    await query(url, 'insert into kept values (42)');
    // A session at work does not notice its postmaster's end, and holds the shared memory until it is done.
    const busy = new Client({ connectionString: url });
    busy.on('error', () => undefined);
    await busy.connect();
    const work = busy.query('select count(*) from generate_series(1, 20000000)').catch(() => undefined);
    process.kill(await postmasterOf(folder), 'SIGKILL');
    await using recovered = await start(folder);
    assert.deepEqual(await query(recovered.url, 'select n from kept'), [42]);
    await work;
    await busy.end().catch(() => undefined);
  });

  it('starts beside a stale pid file whose number another program now has', async () => {
    const folder = await newFolder();
    const url = await killedHub(folder);
    const pgData = join(folder, 'postgres');
    const pid = await postmasterOf(folder);
    const text = await readFile(join(pgData, 'postmaster.pid'), 'utf8');
    process.kill(pid, 'SIGKILL');
    await until('the server is gone', async () => (await commandOf(pid)) === undefined);
    // Of PostgreSQL's own user, for only then would PostgreSQL itself take it for a server.
    const { uid, gid } = await stat(pgData);
    const foreign = spawn('sleep', ['600'], asRoot ? { uid, gid } : {});
    children.add(foreign);
    await writeFile(join(pgData, 'postmaster.pid'), text.replace(String(pid), String(foreign.pid)));
    await using started = await start(folder);
    assert.notEqual(started.url, url);
    assert.deepEqual(await query(started.url, 'select 1'), [1]);
    assert.equal(foreign.exitCode, null);
    foreign.kill('SIGKILL');
    assert.deepEqual(
      (await readdir(pgData)).filter(name => name.includes('stale')),
      [],
    );
  });

  it('starts beside an empty pid file, as a power cut may leave it', async () => {
    const folder = await newFolder();
    await (await start(folder))[Symbol.asyncDispose]();
    const file = join(folder, 'postgres', 'postmaster.pid');
    await writeFile(file, '');
    await utimes(file, 1_000_000, 1_000_000);
    await using started = await start(folder);
    assert.deepEqual(await query(started.url, 'select 1'), [1]);
  });

  it('refuses a second hub by name of the first, which goes on undisturbed', async () => {
    const folder = await newFolder();
    await using first = await start(folder);
    const error = await rejection(start(folder));
    assert.equal(error.code, 'CONFLICT');
    const message = `Another hub is running on the data folder ${folder} (process ${process.pid}). Stop it, or give this one a folder of its own with HUB_DATA_DIR.`;
    assert.equal(error.message, message);
    assert.deepEqual(await query(first.url, 'select 1'), [1]);
  });

  it('lets exactly one of two hubs win that start at once on an empty folder', async () => {
    const folder = await newFolder();
    const hubs = [spawnHub(folder), spawnHub(folder)];
    const said = await Promise.all(hubs.map(hub => hub.said));
    const winner = said.findIndex(line => line.startsWith('url '));
    assert.match(said[1 - winner] ?? '', new RegExp(`^CONFLICT .*\\(process ${hubs[winner]?.child.pid}\\)`));
    assert.deepEqual(await query(said[winner]?.slice('url '.length) ?? '', 'select 1'), [1]);
    hubs[winner]?.child.kill('SIGTERM');
    await until('both have ended', async () => hubs.every(({ child }) => child.exitCode !== null));
    assert.deepEqual((await readdir(folder)).sort(), ['postgres', 'postgres.log']);
  });

  it('waits for a hub that is just stopping, and starts after it', async () => {
    const folder = await newFolder();
    const first = await start(folder);
    const [second] = await Promise.all([start(folder), first[Symbol.asyncDispose]()]);
    await using started = second;
    assert.deepEqual(await query(started.url, 'select 1'), [1]);
  });

  it('removes what a killed first start left, and leaves alone one that is under way', async () => {
    const folder = await newFolder();
    const gone = spawn('true');
    await once(gone, 'exit');
    await mkdir(join(folder, `postgres-new-${gone.pid}-aaaaaa`, 'data', 'base'), { recursive: true });
    const busy = `postgres-new-${process.ppid}-bbbbbb`;
    await mkdir(join(folder, busy));
    await using _started = await start(folder);
    assert.deepEqual((await readdir(folder)).sort(), ['postgres', busy, 'postgres.log'].sort());
  });

  it('starts after a kill in the middle of the first start', async () => {
    const folder = await newFolder();
    const { child } = spawnHub(folder);
    await until('initdb is at work', async () =>
      (await readdir(folder)).some(name => name.startsWith('postgres-new-')),
    );
    child.kill('SIGKILL');
    await once(child, 'exit');
    await using started = await start(folder);
    assert.deepEqual(await query(started.url, 'select 1'), [1]);
  });

  it('serves on at the same address and keeps the folder after the server is killed under it', async () => {
    const folder = await newFolder();
    await using started = await start(folder);
    process.kill(await postmasterOf(folder), 'SIGKILL');
    const works = () =>
      query(started.url, 'select 1').then(
        rows => rows[0] === 1,
        () => false,
      );
    await until('the server is back', works);
    const locks = "select count(*)::int from pg_locks where locktype = 'advisory' and granted";
    await until('the folder is held', async () => (await query(started.url, locks))[0] === 1);
    assert.equal((await rejection(start(folder))).code, 'CONFLICT');
  });

  it('puts a log of more than 10 MB aside at a start', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'postgres.log'), 'x'.repeat(10 * 1_048_576 + 1));
    await using _started = await start(folder);
    assert.ok((await stat(join(folder, 'postgres.log'))).size < 10_000);
  });

  it('says that the data were made by another major version', async () => {
    const folder = await newFolder();
    await mkdir(join(folder, 'postgres'));
    await writeFile(join(folder, 'postgres', 'PG_VERSION'), '15\n');
    const error = await rejection(start(folder));
    assert.equal(error.code, 'UNAVAILABLE');
    assert.match(error.message, /made by PostgreSQL 15, and this hub brings 18/);
  });

  it('leaves a folder alone that holds something else', async () => {
    const folder = await newFolder();
    await mkdir(join(folder, 'postgres'));
    await writeFile(join(folder, 'postgres', 'letter.txt'), 'dear');
    assert.match((await rejection(start(folder))).message, /is no PostgreSQL data folder/);
    assert.deepEqual(await readdir(join(folder, 'postgres')), ['letter.txt']);
  });

  it('says that the data folder cannot be written', async () => {
    const folder = await newFolder();
    await writeFile(join(folder, 'file'), '');
    for (const place of [join(folder, 'file', 'hub'), join(folder, 'file')]) {
      const error = await rejection(start(place));
      assert.equal(error.code, 'UNAVAILABLE');
      assert.match(error.message, /cannot be written \(ENOTDIR\)\. Make it writable .* HUB_DATA_DIR/);
    }
  });

  it('says so on a file system that takes no folders, and makes all the folders of a path elsewhere', async () => {
    const refused = await rejection(start('/proc/hub-data'));
    assert.match(refused.message, /cannot be written \(ENOENT\)/);
    const deep = join(await newFolder(), 'a', 'b');
    await (await start(deep))[Symbol.asyncDispose]();
    assert.ok((await stat(join(deep, 'postgres', 'PG_VERSION'))).isFile());
  });

  it('says what to do where the package for the platform is missing', async () => {
    await assert.rejects(
      locatePrograms('sunos', 'x64'),
      /@embedded-postgres\/sunos-x64.*--include=optional.*DATABASE_URL/,
    );
  });

  it('says what the server said when it does not start', async () => {
    const folder = await newFolder();
    await (await start(folder))[Symbol.asyncDispose]();
    await rm(join(folder, 'postgres', 'global'), { recursive: true });
    assert.match(
      (await rejection(start(folder))).message,
      /does not start\. Its log .*postgres\.log.* says: .*global/s,
    );
  });
});

describe('the embedded PostgreSQL of a hub that runs as root', { skip: asRoot ? false : 'not root' }, () => {
  it('works in a folder that only root can reach', async () => {
    const closed = await newFolder('/root');
    await chmod(closed, 0o700);
    const folder = join(closed, 'hub');
    await mkdir(folder, { mode: 0o700 });
    folders.unshift(folder);
    const first = await start(folder);
    await query(first.url, 'create table kept (n int)');
    assert.notEqual((await stat(join(folder, 'postgres'))).uid, 0);
    await first[Symbol.asyncDispose]();
    await using second = await start(folder);
    assert.deepEqual(await query(second.url, 'select count(*)::int from kept'), [0]);
  });

  it('takes data over that a root has copied', async () => {
    const [from, to] = [await newFolder(), await newFolder()];
    await (await start(from))[Symbol.asyncDispose]();
    await cp(join(from, 'postgres'), join(to, 'postgres'), { recursive: true });
    assert.equal((await stat(join(to, 'postgres'))).uid, 0);
    await using started = await start(to);
    assert.deepEqual(await query(started.url, 'select 1'), [1]);
  });
});
