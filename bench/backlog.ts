import { BenchHub } from './bench-hub.ts';
import { drain } from './deliveries.ts';
import { fill, fillOldMonths } from './fill.ts';
import { BenchReceiver } from './support.ts';

/** Holds what a drain of `part` syncs does with a short backlog, with a long one, and with a long history. */
export interface BacklogFigures {
  readonly short: number;
  readonly long: number;
  /** The hub process's memory with the long backlog, MiB. */
  readonly memoryMiB: number;
  readonly emptyHistory: number;
  readonly longHistory: number;
}

/**
 * Drain rates in one hub. Each figure is the best of two drains, so that a noisy moment of the machine does not
 * decide.
 * @param sizes.part syncs drained for each figure; twice it and what is under way must fit into the short backlog
 */
export async function backlog(sizes: {
  part: number;
  short: number;
  long: number;
  history: number;
}): Promise<BacklogFigures> {
  using receiver = await BenchReceiver.start();
  await using hub = await BenchHub.start();
  const id = await hub.subscribe(receiver.url);
  const { part } = sizes;
  await fill(hub.db, id, part, 'pending');
  await drain(hub, receiver, id, part);

  await fill(hub.db, id, sizes.short, 'pending');
  const emptyHistory = await best(() => drain(hub, receiver, id, part));
  await clear(hub);
  await fill(hub.db, id, sizes.short, 'pending');
  const short = await best(() => drain(hub, receiver, id, part));
  await clear(hub);
  await fill(hub.db, id, sizes.long, 'pending');
  const long = await best(() => drain(hub, receiver, id, part));
  const memoryMiB = await hub.memoryMiB();
  await clear(hub);
  await fill(hub.db, id, sizes.history, 'success');
  await fill(hub.db, id, sizes.short, 'pending');
  const longHistory = await best(() => drain(hub, receiver, id, part));
  return { short, long, memoryMiB, emptyHistory, longHistory };
}

/** Drain rates without history and with one in the months before; each the best of two. */
export async function history(sizes: { part: number; old: number }): Promise<{ none: number; long: number }> {
  using receiver = await BenchReceiver.start();
  await using hub = await BenchHub.start();
  const id = await hub.subscribe(receiver.url);
  const measure = async () => {
    await fill(hub.db, id, sizes.part * 3, 'pending');
    return best(() => drain(hub, receiver, id, sizes.part));
  };
  await measure();
  await clear(hub);
  const none = await measure();
  await clear(hub);
  await fillOldMonths(hub.db, id, sizes.old);
  return { none, long: await measure() };
}

async function best(measure: () => Promise<number>): Promise<number> {
  return Math.max(await measure(), await measure());
}

async function clear(hub: BenchHub): Promise<void> {
  await hub.db.query(
    'truncate fin_open_syncs, fin_done_syncs, lane_claims, fin_data_sync_attempts, fin_voucher_events, fin_business_vouchers',
  );
}
