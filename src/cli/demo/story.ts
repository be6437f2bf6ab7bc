import type { Clock } from '../../core/clock.ts';
import { HubError } from '../../core/errors.ts';
import type { HubClient } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import type { RecordVoucherInput } from '../generated/graphql.ts';
import { resumeSubscription } from '../subscriptions/subscriptions.ts';
import { duration, padCells, plural, print } from '../terminal.ts';
import { type HubState, type HubView, type SyncView, syncOf } from './hub-view.ts';
import { meanwhile, ordinary, putRight, withoutTaxNo } from './sample-vouchers.ts';
import type { TaxSystem } from './tax-process.ts';

const recordVoucher = graphql(`
  mutation DemoRecord($input: RecordVoucherInput!) {
    recordVoucher(input: $input) { outcome voucher { voucherNo sourceVersion } }
  }
`);

const cancelSyncs = graphql(`
  mutation DemoCancel($ids: [ID!]!) { cancelSyncs(filter: { ids: $ids }) }
`);

/** Holds what the story is played with. */
export interface Stage {
  readonly client: HubClient;
  readonly clock: Clock;
  readonly tax: TaxSystem;
  readonly view: HubView;
  readonly subscriptionId: string;
}

/** Plays the whole story. @throws HubError that says which step did not come out */
export async function playStory(stage: Stage): Promise<void> {
  await deliverOrdinary(stage);
  await refuseAndPutRight(stage);
  await catchUp(stage);
  await sumUp(stage);
}

async function deliverOrdinary(stage: Stage): Promise<void> {
  print(`\n1 · Vouchers recorded through GraphQL, delivered by signed webhook`);
  for (const input of ordinary) {
    const version = await record(stage, input);
    const sync = await delivered(stage, input, version);
    print(
      `  ✓ ${describe(input)}  delivered in ${duration(sync.latencyMs ?? 0).padStart(6)}, signatures verified`,
    );
  }
}

async function refuseAndPutRight(stage: Stage): Promise<void> {
  const { client, view } = stage;
  print('\n2 · One that does not fit: refused, then put right at its source');
  const version = await record(stage, withoutTaxNo);
  const failed = await view.until('the voucher without tax_no is FAILED', hub =>
    inStatus(hub, withoutTaxNo, version, 'FAILED'),
  );
  const attempt = failed.attempts.at(-1);
  print(`  ✗ ${describe(withoutTaxNo)}  ${failed.errorCode}: ${attempt?.responseExcerpt ?? ''}`);
  print(
    `    FAILED after ${plural(failed.attempts.length, 'attempt')}: data that does not fit is not retried, it waits for a person`,
  );
  const corrected = await record(stage, putRight);
  const sync = await delivered(stage, putRight, corrected);
  print(
    `  ✓ ${describe(putRight)}  version ${corrected} with tax_no delivered in ${duration(sync.latencyMs ?? 0)}`,
  );
  await client.request(cancelSyncs, { ids: [failed.id] });
  await view.until('the failed sync is cancelled', hub => inStatus(hub, withoutTaxNo, version, 'CANCELLED'));
  print(`  ✓ the failed sync of version ${version} is CANCELLED: version ${corrected} took its place`);
}

async function catchUp(stage: Stage): Promise<void> {
  const { client, clock, tax, view } = stage;
  print('\n3 · The tax system goes down, and catches up');
  const downPid = tax.pid;
  await tax.stop();
  print(`  · tax system killed (process ${downPid})`);
  const downAt = clock.now();
  const recorded: { input: RecordVoucherInput; version: number }[] = [];
  for (const input of meanwhile) recorded.push({ input, version: await record(stage, input) });
  print(
    `  ✓ ${plural(recorded.length, 'voucher')} recorded all the same, in ${duration(clock.now() - downAt)}`,
  );
  const tried = await view.until('the subscription is SUSPENDED', hub =>
    hub.state === 'SUSPENDED' ? mostTried(hub) : undefined,
  );
  print(
    `  ✓ RETRYING → SUSPENDED after ${duration(clock.now() - downAt)}: ${tried.errorCode}, ${plural(tried.attempts.length, 'attempt')}; nothing more is attempted, all is kept`,
  );
  await tax.start();
  const before = tax.receipts.length;
  const upAt = clock.now();
  await client.request(resumeSubscription, { id: stage.subscriptionId });
  print(
    `  · tax system started again (process ${tax.pid}); subscription resumed (unasked, the hub would find it within seconds)`,
  );
  for (const { input, version } of recorded) await delivered(stage, input, version);
  checkOrder(tax.receipts.slice(before));
  print(
    `  ✓ caught up: ${plural(recorded.length, 'event')} delivered in ${duration(clock.now() - upAt)}, each record's versions in order`,
  );
}

async function sumUp({ view, tax }: Stage): Promise<void> {
  const { syncs, backlog } = await view.look();
  const count = (status: string) => syncs.filter(sync => sync.status === status).length;
  const wrong = tax.receipts.filter(({ verified }) => !verified).length;
  if (backlog > 0 || count('FAILED') > 0 || wrong > 0)
    throw new HubError(
      'UNAVAILABLE',
      `At the end ${backlog} events wait and ${count('FAILED')} have FAILED.`,
    );
  print(
    `\n✓ Sync log: ${count('SUCCESS')} SUCCESS, ${count('CANCELLED')} CANCELLED, nothing waiting. Nothing was lost.`,
  );
}

async function record({ client, view }: Stage, input: RecordVoucherInput): Promise<number> {
  view.checkStop();
  const { recordVoucher: recorded } = await client.request(recordVoucher, { input });
  return recorded.voucher.sourceVersion;
}

/** Waits until the tax system has an event, verified, and the hub's log says so. */
function delivered(
  { view, tax }: Stage,
  { sourceId }: RecordVoucherInput,
  version: number,
): Promise<SyncView> {
  return view.until(`${sourceId} version ${version} is delivered`, hub => {
    const taken = tax.receipts.some(
      one => one.sourceId === sourceId && one.version === version && one.verified && one.answered === 200,
    );
    const sync = syncOf(hub, sourceId, version);
    return taken && sync?.status === 'SUCCESS' ? sync : undefined;
  });
}

function inStatus(
  hub: HubState,
  { sourceId }: RecordVoucherInput,
  version: number,
  status: string,
): SyncView | undefined {
  const sync = syncOf(hub, sourceId, version);
  return sync?.status === status ? sync : undefined;
}

function mostTried(hub: HubState): SyncView | undefined {
  return hub.syncs
    .filter(sync => sync.status !== 'SUCCESS' && sync.status !== 'CANCELLED')
    .toSorted((a, b) => b.attempts.length - a.attempts.length)[0];
}

/** @throws HubError when an older version of a record came after a newer one */
function checkOrder(receipts: TaxSystem['receipts']): void {
  for (const [sourceId, all] of Map.groupBy(receipts, receipt => receipt.sourceId)) {
    const inOrder = all.every(
      ({ version }, index) => index === 0 || version > (all[index - 1]?.version ?? 0),
    );
    if (!inOrder)
      throw new HubError(
        'INTERNAL_SERVER_ERROR',
        `${sourceId} came out of order: versions ${all.map(({ version }) => version).join(', ')}.`,
      );
  }
}

function describe(input: RecordVoucherInput): string {
  return [
    padCells(input.sourceId, 18),
    padCells(input.summary ?? '', 22),
    padCells(input.counterpartyName ?? '', 26),
    `¥${input.amount}`.padStart(12),
  ].join(' ');
}
