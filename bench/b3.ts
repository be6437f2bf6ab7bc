import { BenchHub } from './bench-hub.ts';
import { fill } from './fill.ts';
import { BenchReceiver } from './support.ts';
import { claimDue } from '../src/db/lane-statements.ts';
import { writeOutcomes } from '../src/db/outcome-statements.ts';
import { randomUUID } from 'node:crypto';
using receiver = await BenchReceiver.start();
await using hub = await BenchHub.start();
const id = await hub.subscribe(receiver.url);
await fill(hub.db, id, 30000, 'pending');
const token = randomUUID();
let tc = 0, to = 0, n = 0;
for (let i = 0; i < 200; i++) {
  let t = performance.now();
  const rows = await claimDue(hub.db, { subscriptionId: id, token, limit: 64, leaseMs: 12000, states: ['paused'] });
  tc += performance.now() - t; t = performance.now();
  await writeOutcomes(hub.db, rows.map(r => ({ id: r.id, token, status: 'success' as const, retryCount: 0, delayMs: null, failedByConnection: false, startedAt: new Date(), durationMs: 1, statusCode: 200, errorCode: null, errorMessage: null, responseExcerpt: null })));
  to += performance.now() - t; n += rows.length;
  if (i % 20 === 19) { console.log(i, 'claim us/row', Math.round(tc * 1000 / n), 'outcome us/row', Math.round(to * 1000 / n)); tc = to = n = 0; }
}
const c = await hub.db.connect();
await c.query("set auto_explain.log_min_duration=0").catch(() => {});
const text = (await import('node:fs')).readFileSync('src/db/lane-statements.ts', 'utf8').match(/text: `(with due as materialized[\s\S]*?)`/)![1]!;
const q = text.replaceAll('$1', `'${id}'::bigint`).replaceAll('$2', `'${token}'::uuid`).replaceAll('$3', '64').replaceAll('$4', '12000').replaceAll('$5', "array['paused']");
console.log((await c.query('explain (analyze, buffers) ' + q)).rows.map(r => r['QUERY PLAN']).join('\n'));
c.release();
