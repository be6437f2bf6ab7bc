import { BenchHub } from './bench-hub.ts';
import { fill } from './fill.ts';
import { BenchReceiver } from './support.ts';
import { drain } from './deliveries.ts';
import { readFileSync, readdirSync } from 'node:fs';
function cpu() { const out: Record<string, number> = {}; for (const p of readdirSync('/proc')) { if (!/^\d+$/.test(p)) continue; try { const s = readFileSync(`/proc/${p}/stat`, 'utf8'); const i = s.lastIndexOf(')'); const f = s.slice(i + 2).split(' '); const cmd = readFileSync(`/proc/${p}/cmdline`, 'utf8').replaceAll('\0', ' '); const pcmd = (() => { try { return readFileSync(`/proc/${f[1]}/cmdline`, 'utf8'); } catch { return ''; } })(); let k = /receiver-process/.test(cmd) ? 'receiver' : /hub-process/.test(cmd) ? 'hub' : /postgres/.test(cmd) ? (/hub-bench/.test(pcmd) ? (/autovacuum/.test(cmd) ? 'autovac' : /checkpointer|background|walwriter|io worker/.test(cmd) ? 'bg' : 'backend') : /hub-bench/.test(cmd) ? 'postmaster' : 'foreign') : 'other'; out[k] = (out[k] ?? 0) + (Number(f[11]) + Number(f[12])) * 10; } catch {} } return out; }
using receiver = await BenchReceiver.start();
await using hub = await BenchHub.start();
const id = await hub.subscribe(receiver.url);
await fill(hub.db, id, 5000, 'pending'); await drain(hub, receiver, id, 5000);
const N = 30000;
for (let i = 0; i < 2; i++) {
await fill(hub.db, id, N, 'pending');
const st = async () => (await hub.db.query("select pg_stat_force_next_flush(), xact_commit::int c, tup_updated::int u, tup_inserted::int i, blks_hit::int h from pg_stat_database where datname = current_database()")).rows[0]; const s0 = await st(); const ix0 = (await hub.db.query("select pg_current_wal_lsn() l")).rows[0].l;
const a = cpu(); const t = performance.now();
const samples: Record<string, number> = {}; let on = true; const sampler = (async () => { while (on) { const { rows } = await hub.db.query("select left(regexp_replace(query, '\\s+', ' ', 'g'), 60) q, wait_event w from pg_stat_activity where state = 'active' and pid <> pg_backend_pid()"); for (const r of rows) { const k = r.q + ' | ' + r.w; samples[k] = (samples[k] ?? 0) + 1; } await new Promise(r => setTimeout(r, 10)); } })();
const r = await drain(hub, receiver, id, N);
on = false; await sampler; console.log(Object.entries(samples).sort((a, b) => b[1] - a[1]).slice(0, 12));
const b = cpu(); const ms = performance.now() - t;
const s1 = await st(); const w = (await hub.db.query('select pg_current_wal_lsn() - $1::pg_lsn as w', [ix0])).rows[0].w; console.log('commits', s1.c - s0.c, 'upd', s1.u - s0.u, 'ins', s1.i - s0.i, 'hit/delivery', Math.round((s1.h-s0.h)/N), 'wal bytes/delivery', Math.round(Number(w)/N));
console.log(Math.round(r), 'per s; cpu us per delivery:', Object.fromEntries(Object.keys(b).map(k => [k, Math.round((b[k]! - (a[k] ?? 0)) * 1000 / N)])), 'wall', Math.round(ms * 1000 / N));
}
console.log('rss', await hub.memoryMiB());
