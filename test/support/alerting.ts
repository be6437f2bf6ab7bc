import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Pool } from 'pg';
import { type Clock, systemClock } from '../../src/core/clock.ts';
import { Database } from '../../src/db/database.ts';
import { makePartitions } from '../../src/db/monitoring/partitions.ts';
import {
  type OpenAlerting,
  openAlerting,
  openAlertTelling,
} from '../../src/monitoring/alerts/open-alerting.ts';
import { type RuleName, ruleNames } from '../../src/monitoring/alerts/rules.ts';
import { SqlReadings } from '../../src/monitoring/alerts/sql-readings.ts';
import { referencesIn } from '../../src/monitoring/channels/open-channels.ts';
import { type MailServer, mailUser } from './mail-server.ts';
import { createTestDatabase } from './postgres.ts';
import { type Providers, providerSecrets, startProviders } from './providers.ts';
import { keptLog } from './sockets.ts';
import { connectSql, type Sql } from './sql.ts';

/** The environment that an alerts file of the tests refers to. */
export function secretsOf(providers: Providers): Record<string, string> {
  return {
    WECOM: `${providers.url}/cgi-bin/webhook/send?key=wecom-key`,
    DINGTALK: `${providers.url}/robot/send?access_token=ding-token`,
    DINGTALK_SECRET: providerSecrets.dingtalk,
    FEISHU: `${providers.url}/open-apis/bot/v2/hook/feishu-token`,
    FEISHU_SECRET: providerSecrets.feishu,
    SLACK: `${providers.url}/slack`,
    HOOK_SECRET: providerSecrets.webhook,
    ALI_ID: providerSecrets.accessKeyId,
    ALI_SECRET: providerSecrets.accessKeySecret,
    MAIL_PASSWORD: mailUser.pass,
  };
}

/** The channels of an alerts file, every kind of them, at local servers. */
export function channelsFile(providers: Providers, mail?: MailServer): string {
  const aliyun = `accessKeyId: "\${ALI_ID}", accessKeySecret: "\${ALI_SECRET}", endpoint: "${providers.url}"`;
  const mailChannel =
    mail === undefined
      ? ''
      : `  mail: { type: email, host: 127.0.0.1, port: ${mail.port}, security: tls, ca: "file:${mail.ca}", user: ${mailUser.user}, password: "\${MAIL_PASSWORD}", from: hub@example.com, to: [ops@example.com] }\n`;
  return `channels:
  wecom: { type: wecom, url: "\${WECOM}" }
  dingtalk: { type: dingtalk, url: "\${DINGTALK}", secret: "\${DINGTALK_SECRET}" }
  feishu: { type: feishu, url: "\${FEISHU}", secret: "\${FEISHU_SECRET}" }
  slack: { type: slack, url: "\${SLACK}" }
  hook: { type: webhook, url: "${providers.url}/standard", secret: "\${HOOK_SECRET}" }
  sms: { type: aliyun-sms, ${aliyun}, signName: 数据中心, templateCode: SMS_1, phones: ["13800000001", "13800000002"] }
  phone: { type: aliyun-voice, ${aliyun}, templateCode: TTS_1, phones: ["13800000001"] }
  director: { type: aliyun-voice, ${aliyun}, templateCode: TTS_1, phones: ["13800000009"] }
${mailChannel}`;
}

/** Alerting on a database of its own, on injected time. */
export interface TestAlerting extends AsyncDisposable {
  readonly opened: OpenAlerting;
  readonly databaseUrl: string;
  readonly sql: Sql;
  readonly pool: Pool;
  /** Gives what was logged. */
  lines(): Record<string, unknown>[];
  /** One round at an instant; resolves once everything was told. */
  round(at: number): Promise<void>;
  /** Adds a subscription; its id. */
  subscription(name: string): Promise<string>;
  /** Writes syncs that ended at an instant, as deliveries do. */
  ended(subscriptionId: string, syncs: EndedSyncs): Promise<void>;
}

/** Syncs that are over. */
export interface EndedSyncs {
  readonly count: number;
  readonly at: number;
  /** Undefined: delivered. */
  readonly errorCode?: string;
  /** Left out: webhook. */
  readonly transport?: 'webhook' | 'websocket';
  /** True when the outcome says that it was refused for good; left out: nothing, as a hub of the version before wrote it. */
  readonly refused?: boolean;
  /** From recorded to over, milliseconds. */
  readonly latencyMs?: number;
}

/** Puts alerting together as a hub does; no clock drives it. */
export async function startAlerting(options: {
  readonly folder: string;
  readonly file: string;
  readonly providers: Providers;
  readonly time: { now: number };
}): Promise<TestAlerting> {
  const { folder, file, providers, time } = options;
  const databaseUrl = await createTestDatabase();
  const log = keptLog();
  const clock: Clock = { ...systemClock, now: () => time.now };
  await Database.migrate({ url: databaseUrl, log: log.log });
  const db = await Database.connect({ url: databaseUrl, poolSize: 8, log: log.log });
  await db.transaction(client => makePartitions(client, new Date(time.now)));
  const name = path.join(folder, `alerts-${path.basename(new URL(databaseUrl).pathname)}.yml`);
  await writeFile(name, file);
  const nodes = { isWanted: () => false, want: () => {}, tell: () => {}, on: () => {} };
  const setUp = {
    file: name,
    language: 'zh' as const,
    timeZone: 'Asia/Shanghai',
    publicUrl: 'https://hub.example.com',
    open: referencesIn(secretsOf(providers)),
  };
  const readings = new SqlReadings(db.pool, async () => []);
  const telling = await openAlertTelling(setUp, clock);
  const opened = openAlerting(telling, { db, clock, log: log.log, nodes, readings });
  const sql = await connectSql(databaseUrl);
  let count = 0;
  return {
    opened,
    databaseUrl,
    sql,
    pool: db.pool,
    lines: log.lines,
    async round(at) {
      time.now = at;
      await opened.alerting.round();
      await opened.alerting.idle();
    },
    async subscription(of) {
      const [row] = await sql.rows<{ id: string }>(
        `insert into data_subscriptions (name, target_system, event_types, batch_size, max_in_flight, timeout_ms, ack_timeout_ms,
           max_retries, base_delay_ms, max_delay_ms, jitter, secret, webhook_url)
         values ($1, 'tax', '{*}', 1, 32, 30000, 30000, 3, 1000, 600000, 0.1, 'sealed', 'https://tax.example.com') returning id::text`,
        [of],
      );
      if (row === undefined) throw new Error('not inserted');
      return row.id;
    },
    async ended(subscriptionId, syncs) {
      const { count: many, at, errorCode, refused, latencyMs = 1_000, transport = 'webhook' } = syncs;
      await sql.rows(
        `insert into fin_done_syncs (id, event_id, voucher_id, subscription_id, event_type, source_system, mode, status, transport,
           retry_count, attempt_count, error_code, refused, created_at, sync_started_at, sync_completed_at)
         select $1 + n, n, n, $2, 'invoice_recorded', 's', 'realtime', case when $3::text is null then 'success' else 'failed' end, $7,
           0, 1, $3, $8, $4, $4, $5 from generate_series(1, $6) n`,
        [
          count,
          subscriptionId,
          errorCode ?? null,
          new Date(at - latencyMs),
          new Date(at),
          many,
          transport,
          refused ?? null,
        ],
      );
      count += many;
    },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      await telling[Symbol.asyncDispose]();
      await sql[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

/** Alerting on injected time with local providers, of which rules only some are on. */
export async function setUpAlerting(
  folder: string,
  { rest, on, start }: { readonly rest: string; readonly on: readonly RuleName[]; readonly start: number },
) {
  const stack = new AsyncDisposableStack();
  const time = { now: start };
  const providers = stack.use(await startProviders(() => time.now));
  const off = ruleNames.filter(name => !on.includes(name)).map(name => `  ${name}: { enabled: false }\n`);
  const file = `${channelsFile(providers)}\n${rest}\nrules:\n${off.join('')}`;
  const alerting = stack.use(await startAlerting({ folder, file, providers, time }));
  return { alerting, providers, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}
