import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { BenchHub } from './bench-hub.ts';
import { BenchReceiver } from './support.ts';

/** Sets how long each drain is watched, milliseconds. */
const watchedMs = 10_000;

/** Deliveries a second of one record, by how many of its versions wait; and of other records beside it. */
export interface OneRecordFigure {
  readonly waiting: number;
  readonly perSecond: number;
  readonly otherMs: number;
}

/**
 * Lets the hub drain a shard in which one record has many versions, for ten seconds or to its end. A voucher of another
 * record that is recorded meanwhile tells how long one waits beside it.
 */
export async function oneRecord(counts: readonly number[]): Promise<OneRecordFigure[]> {
  using receiver = await BenchReceiver.start();
  await using hub = await BenchHub.start();
  const id = await hub.subscribe(receiver.url);
  const figures: OneRecordFigure[] = [];
  for (const waiting of counts) {
    await fillRecord(hub.db, id, waiting);
    await receiver.reset();
    await hub.resume(id);
    await pause(watchedMs / 2);
    await hub.record(`other-${waiting}`);
    const recordedAt = Number(process.hrtime.bigint()) / 1e6;
    await pause(watchedMs / 2);
    const { count, first, last, arrivals } = await receiver.report();
    const other = arrivals.find(({ id: mark }) => mark === `other-${waiting}`);
    figures.push({
      waiting,
      perSecond: ((count - 1) * 1_000) / (last - first),
      otherMs: other === undefined ? Number.POSITIVE_INFINITY : other.at - recordedAt,
    });
    await hub.pause(id);
    await hub.quiet();
    await hub.db.query('delete from fin_open_syncs');
  }
  return figures;
}

/** Puts versions of one record into a shard by SQL, as intake would leave them. */
async function fillRecord(db: Pool, subscriptionId: string, versions: number): Promise<void> {
  await db.query(
    `with v as (select nextval('fin_business_vouchers_id_seq') as id),
       e as (
         insert into fin_voucher_events (event_type, voucher_id, source_version, source_system, digest, data, voucher, occurred_at)
         select 'invoice_updated', v.id, n, 'bench', md5(n::text), '{"invoice_no": "1"}', '{"amount": "1.00"}', now()
         from v, generate_series(1, $2::int) n returning id, voucher_id)
     insert into fin_open_syncs (event_id, voucher_id, subscription_id, event_type, source_system, mode)
     select id, voucher_id, $1::bigint, 'invoice_updated', 'bench', 'realtime' from e order by id`,
    [subscriptionId, versions],
  );
  await db.query('vacuum (analyze) fin_open_syncs');
}
