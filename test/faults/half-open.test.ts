import { describe, test } from 'node:test';
import { Pool } from 'pg';
import { takePort } from '../../faults/ports.ts';
import { Link } from '../../faults/proxy.ts';
import { systemClock } from '../../src/core/clock.ts';
import { createLogger } from '../../src/core/logger.ts';
import { PostgresMessages, RedisMessages } from '../../src/jobs/messages.ts';
import { record, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { startRedis, withoutRedis } from '../support/redis.ts';
import { connectSql } from '../support/sql.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const deps = { clock: systemClock, log: createLogger({ level: 'silent', pretty: false }) };

/** A link to what listens at an address, and the address by way of it. */
async function linkTo(url: string): Promise<{ link: Link; url: string }> {
  const through = new URL(url);
  const link = await Link.open('test', await takePort(), Number(through.port));
  through.port = String(link.port);
  return { link, url: through.href };
}

// Connections whose other end is gone without a word, as where a firewall forgets them. Each finds it out for itself.
describe('half-open connections', { concurrency: true }, () => {
  test('a node that listens on PostgreSQL hears again within 30 s', async () => {
    const databaseUrl = await createTestDatabase();
    const { link, url } = await linkTo(databaseUrl);
    await using _link = link;
    await using sql = await connectSql(databaseUrl);
    const pool = new Pool({ connectionString: databaseUrl });
    await using _pool = { [Symbol.asyncDispose]: () => pool.end() };
    const heard: string[] = [];
    await using messages = new PostgresMessages({ url, pool }, deps);
    messages.listen(text => heard.push(text));
    const say = async () => {
      await sql.rows(`select pg_notify('voucher_hub', repeat('x', 36) || 'hello')`);
      return heard.length > 0;
    };
    await until('it hears', say);
    link.halfOpen('server');
    heard.length = 0;
    await until('it hears again', say, 30_000);
  });

  test('a node that listens on Redis hears again within 30 s', {
    skip: withoutRedis,
  }, async () => {
    await using redis = await startRedis();
    const { link, url } = await linkTo(redis.url);
    await using _link = link;
    const heard: string[] = [];
    await using messages = new RedisMessages({ url, prefix: 'test' }, deps);
    messages.listen(text => heard.push(text));
    const say = async () => {
      await redis.client.publish('test-messages', `${'x'.repeat(36)}hello`);
      return heard.length > 0;
    };
    await until('it hears', say);
    link.halfOpen('server');
    heard.length = 0;
    await until('it hears again', say, 30_000);
  });

  test('a queue on Redis wakes shards again within 30 s', {
    skip: withoutRedis,
  }, async () => {
    await using redis = await startRedis();
    const { link, url } = await linkTo(redis.url);
    await using _link = link;
    await using receiver = await startReceiver();
    // Without a scheduler: no reconciler helps.
    await using hub = await startTestHub({ env: { REDIS_URL: url, HUB_ROLES: 'api,worker' } });
    await subscribe(hub, { webhookUrl: receiver.url });
    await record(hub, vouchers('settlement', [1]));
    await receiver.gotEvents(1);
    // Longer than a drain stays on its empty shard: the next event needs the queue.
    await systemClock.sleep(3_000);
    link.halfOpen('server');
    await record(hub, vouchers('settlement', [2]));
    await receiver.gotEvents(2, 30_000);
  });
});
