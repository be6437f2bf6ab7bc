import { systemClock } from '../src/core/clock.ts';
import { createLogger } from '../src/core/logger.ts';
import { Database } from '../src/db/database.ts';
import { Audit } from '../src/monitoring/audit/audit.ts';
import { BenchHub } from './bench-hub.ts';
import { monotonicMs } from './support.ts';

const block = 50_000;

/** Attempts as deliveries leave them, of eight subscriptions, each with the excerpt of an answer. */
const attemptsSql = `
  insert into fin_data_sync_attempts (sync_id, subscription_id, number, transport, started_at, duration_ms, status_code, response_excerpt, body_digest)
  select n, n % 8 + 1, 1, 'webhook', now(), 3, 200, '{"status": "accepted", "reference": "' || n || '"}', sha256(n::text::bytea)
  from generate_series($1::int, $2::int) n`;

/** Says how long sealing so many attempts takes, and comparing all of them with their seals, milliseconds. */
export async function audit(count: number): Promise<{ sealMs: number; verifyMs: number; pages: number }> {
  // Without the scheduler, which seals once a minute.
  await using hub = await BenchHub.start({ HUB_ROLES: 'api' });
  const log = createLogger({ level: 'warn', pretty: false });
  await using db = await Database.connect({ url: hub.databaseUrl, poolSize: 4, log });
  for (let done = 0; done < count; done += block)
    await hub.db.query(attemptsSql, [done + 1, Math.min(done + block, count)]);
  await hub.db.query('vacuum (analyze) fin_data_sync_attempts');
  const trail = new Audit({ db, clock: systemClock, log });
  const startedAt = monotonicMs();
  const sealed = await trail.seal();
  const sealMs = monotonicMs() - startedAt;
  const all = { subscriptionId: null, from: null, to: null };
  let [pages, attempts] = [0, 0];
  for (let next: string | null = null; pages === 0 || next !== null; pages += 1) {
    const page = await trail.verify(all, next);
    if (page.firstBreak !== null) throw new Error(`It is not as it was sealed: ${page.firstBreak.what}.`);
    attempts += page.attempts;
    next = page.next;
  }
  if (sealed !== count || attempts !== count)
    throw new Error(`${sealed} sealed, ${attempts} of ${count} compared.`);
  return { sealMs, verifyMs: monotonicMs() - startedAt - sealMs, pages };
}
