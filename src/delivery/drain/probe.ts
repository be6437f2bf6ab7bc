import { randomUUID } from 'node:crypto';
import { limits } from '../../core/limits.ts';
import { postponeProbe, prepareProbe } from '../../db/delivery/breaker-statements.ts';
import { claimDue } from '../../db/delivery/claim-statements.ts';
import { writeOutcomes } from '../../db/delivery/outcome-statements.ts';
import { type DuePart, readDeliverySettings } from '../../db/delivery/shard-statements.ts';
import { judge } from '../outcome/judge.ts';
import { signOf } from '../outcome/policy.ts';
import { openDeliverySettings, type Transport } from './delivery-settings.ts';
import type { DrainDeps } from './drain-deps.ts';
import { deliverSafely } from './hub-fault.ts';

/**
 * Tries a suspended subscription with one real event (the breaker's half-open state). An answer says that the target is back:
 * the subscription is resumed and what was kept is delivered. With 408, 425, 429 or 5xx it is still away. Each probe takes another
 * event where there is one, so that an event which hangs its consumer, or always gets 500, does not keep the subscription closed.
 * @returns true when the subscription was resumed
 */
export async function probeSubscription(
  deps: DrainDeps & { transport: Transport },
  subscriptionId: string,
): Promise<boolean> {
  const { pool } = deps.db;
  const row = await readDeliverySettings(pool, subscriptionId);
  if (row === undefined || row.state !== 'suspended' || row.webhookUrl === null) return false;
  const settings = openDeliverySettings(row, deps.vault);
  await prepareProbe(pool, subscriptionId);
  // The lease covers the whole attempt: a probe has nobody to renew it.
  const leaseMs = settings.timeoutMs + limits.leaseMs;
  const claim = { subscriptionId, shard: null, limit: 1, leaseMs, attachmentId: null, from: null };
  const claimOf = (part: DuePart) =>
    claimDue(pool, { ...claim, part, token: randomUUID(), states: ['suspended'], transport: 'webhook' });
  const sync = (await claimOf('prompt'))[0] ?? (await claimOf('batch'))[0];
  if (sync === undefined) return false;
  deps.changes.note([sync.id]);
  const [result] = await deliverSafely(deps.transport, settings, [sync], deps);
  if (result === undefined) return false;
  const { decision, write } = judge(
    { settings, sync, result, succeededSince: false, excused: false },
    deps.random,
  );
  await writeOutcomes(pool, [write]);
  deps.changes.note([sync.id]);
  const reached = signOf(result) === 'there';
  if (decision.next === 'fail' && decision.subscription === 'pause')
    await deps.breaker.pauseGone(subscriptionId);
  else if (reached) await deps.breaker.close(subscriptionId);
  else if (result.retryAfterMs !== null) await postponeProbe(pool, subscriptionId, result.retryAfterMs);
  return reached;
}
