import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import {
  nodeHandler,
  recordHash,
  recordKey,
  sqliteCache,
  VersionedCache,
  WebhookReceiver,
} from '../clients/typescript/src/index.ts';
import { walk } from '../src/consistency/compare.ts';
import { Conversation } from '../src/consistency/conversation.ts';
import { Fold } from '../src/consistency/fold.ts';
import { systemClock } from '../src/core/clock.ts';
import { createLogger } from '../src/core/logger.ts';
import { Database } from '../src/db/database.ts';
import { channelTo, HeldRecords, heldRecord, listedBytes } from '../test/support/held-records.ts';
import { BenchHub } from './bench-hub.ts';
import { fill } from './fill.ts';
import { benchIntake, recordInProcess } from './recording.ts';
import { monotonicMs } from './support.ts';

/** Holds what finding seven differences costs. */
export interface WalkCost {
  readonly bytes: number;
  readonly requests: number;
  /** Of the bytes of a list of everything. */
  readonly share: number;
}

/** Seven differences among so many records, both sides in memory, the bytes those of the protocol. */
export async function walkCost(count: number): Promise<WalkCost> {
  const all = Array.from({ length: count }, (_, n) => heldRecord(`R${n}`, 1));
  const gone = new Set(Array.from({ length: 7 }, (_, n) => Math.floor(((n + 0.5) * count) / 7)));
  const hub = new HeldRecords(all);
  const consumer = new HeldRecords(all.filter((_, n) => !gone.has(n)));
  const signal = new AbortController().signal;
  const conversation = new Conversation(
    channelTo(() => consumer),
    { clock: systemClock, signal },
  );
  const side = {
    nodes: async (prefixes: readonly string[]) => new Map(prefixes.map(prefix => [prefix, hub.node(prefix)])),
    vouchers: async (prefixes: readonly string[]) =>
      prefixes.flatMap(prefix => hub.under(prefix).map(record => ({ ...record, voucherId: '0' }))),
  };
  const { candidates } = await walk(side, conversation, { from: null, to: null });
  if (candidates.length !== 7) throw new Error(`It found ${candidates.length} of 7.`);
  const { bytes, requests } = conversation;
  return { bytes, requests, share: bytes / listedBytes(hub) };
}

/** Gives what a check of so many records takes, all of them folded in and none different. */
export async function checkTime(count: number): Promise<{ checkMs: number; consumerMs: number }> {
  await using hub = await BenchHub.start();
  const db = new DatabaseSync(':memory:');
  const cache = new VersionedCache({ store: sqliteCache(db), hub: { url: hub.url, key: hub.key } });
  await cache.createTables();
  const secrets = ['whsec_unknown-until-it-has-subscribed'];
  let consumerMs = 0;
  const handle = nodeHandler(
    new WebhookReceiver({
      secrets,
      handle: () => {},
      consistency: {
        entries: (...question) => cache.entries(...question),
        async nodes(...question) {
          const startedAt = monotonicMs();
          const nodes = await cache.nodes(...question);
          consumerMs = monotonicMs() - startedAt;
          return nodes;
        },
      },
    }),
  );
  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const url = `http://127.0.0.1:${address.port}/hook`;
  try {
    const { id, secret } = await hub.subscribeChecked(url);
    secrets[0] = secret;
    await fill(hub.db, id, count, 'success');
    await copyTo(db, hub);
    // The first one folds in what there is; it may take longer than a call waits.
    await hub.folded();
    await hub.check(id);
    const { ms: checkMs, checked } = await hub.check(id);
    if (checked !== count) throw new Error(`It checked ${checked} of ${count}.`);
    return { checkMs, consumerMs };
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/**
 * `recordVoucher`'s service with and without folding beside it, a second. Short turns in pairs, in one order and then in
 * the other, so that what else the machine does, and what grows, meets both. With folding, as many events are folded in
 * as are recorded, those of the turn before: far more often than a hub does, and all of it within the time.
 */
export async function foldSlowdown(
  pairs: number,
  count: number,
): Promise<{ folding: number; bare: number }[]> {
  await using hub = await BenchHub.start();
  await using db = await openDatabase(hub);
  const intake = benchIntake(db);
  const fold = new Fold(db);
  await hub.subscribe('http://127.0.0.1:9/hook');
  await recordInProcess(intake, -1, count);
  await fold.run();
  const withFolding = async (round: number) => {
    const startedAt = monotonicMs();
    await Promise.all([recordInProcess(intake, round, count), fold.run()]);
    return (count * 1_000) / (monotonicMs() - startedAt);
  };
  const results: { folding: number; bare: number }[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    const [one, other] = [2 * pair, 2 * pair + 1];
    if (pair % 2 === 0) {
      const bare = await recordInProcess(intake, one, count);
      results.push({ bare, folding: await withFolding(other) });
    } else {
      const folding = await withFolding(one);
      results.push({ folding, bare: await recordInProcess(intake, other, count) });
      // Two turns are not folded in by now; the next one that is measured has those of one.
      await fold.run();
    }
  }
  return results;
}

function openDatabase(hub: BenchHub): Promise<Database> {
  return Database.connect({
    url: hub.databaseUrl,
    poolSize: 8,
    log: createLogger({ level: 'warn', pretty: false }),
  });
}

/** Lets a consumer hold all that the hub has. */
async function copyTo(db: DatabaseSync, hub: BenchHub): Promise<void> {
  const insert = db.prepare(
    'insert into hub_cache (k, source_system, source_module, source_id, source_version, digest, voucher_date, h, voucher, data) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  );
  for (let after = '0'; ; ) {
    const { rows } = await hub.db.query<Record<string, string>>(
      `select id::text, source_system, source_module, source_id, source_version::text, digest, voucher_date::text
       from fin_business_vouchers v where v.id > $1 order by v.id limit 50000`,
      [after],
    );
    const last = rows.at(-1)?.id;
    if (last === undefined) return;
    after = last;
    db.exec('begin');
    for (const row of rows) {
      const { source_system = '', source_module = '', source_id = '', digest = '', voucher_date = '' } = row;
      const k = recordKey({ source_system, source_module, source_id });
      const version = Number(row.source_version);
      const h = BigInt.asIntN(64, BigInt(`0x${recordHash(k, version, digest)}`));
      insert.run(k, source_system, source_module, source_id, version, digest, voucher_date, h, '{}', '{}');
    }
    db.exec('commit');
  }
}
