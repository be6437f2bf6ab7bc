import type { Config } from '../../config/config.ts';
import { systemClock } from '../../core/clock.ts';
import { errorCodeOf, messageOf } from '../../core/errors.ts';
import { Dialer } from '../../delivery/webhook/dial.ts';
import {
  parseTargetAllow,
  permittedAddresses,
  resolveBySystem,
  type TargetAllow,
} from '../../delivery/webhook/guard.ts';
import { plural } from '../terminal.ts';
import { type Check, checksOf } from './check.ts';
import { nameOf } from './consumers.ts';
import type { TargetView } from './running-hub.ts';

const { ok, warn, fail } = checksOf('target');

const connectMs = 5_000;

/** Each subscription's webhook: is it allowed, does its name resolve, does anything listen? Nothing is sent. */
export function checkTargets(subscriptions: readonly TargetView[], config: Config): Promise<Check[]> {
  const allow = parseTargetAllow(config.targetAllow);
  return Promise.all(subscriptions.map(subscription => checkTarget(subscription, allow)));
}

async function checkTarget(subscription: TargetView, allow: TargetAllow): Promise<Check> {
  const who = nameOf(subscription);
  if (subscription.webhookUrl == null)
    return ok(
      `${who}: no webhook; ${subscription.connected ? 'a consumer is attached' : 'nobody is attached now'}`,
    );
  const url = new URL(subscription.webhookUrl);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  try {
    await reach(host, port, allow);
  } catch (error) {
    return targetFault(`${who}: ${url.host}`, error);
  }
  const waiting = plural(subscription.backlog, 'event');
  if (subscription.state === 'ACTIVE') return ok(`${who}: ${url.host} takes connections`);
  const state = subscription.state.toLowerCase();
  return warn(
    `${who}: ${url.host} takes connections, but the subscription is ${state}; ${waiting} waiting`,
    `hub subscriptions resume ${subscription.id}`,
  );
}

function targetFault(what: string, error: unknown): Check {
  const code = errorCodeOf(error);
  if (code === 'TARGET_NOT_ALLOWED')
    return fail(
      `${what} is not allowed`,
      `${messageOf(error)} (This is the HUB_TARGET_ALLOW of this command; the hub goes by its own.)`,
    );
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return fail(`${what}: the name does not resolve (${code})`, 'Correct the webhookUrl or the DNS.');
  return fail(
    `${what} takes no connection (${code ?? messageOf(error)})`,
    'Start the consumer, or correct the webhookUrl; events are kept meanwhile.',
  );
}

/** Connects as the hub would, with its guard, and hangs up. */
async function reach(host: string, port: number, allow: TargetAllow): Promise<void> {
  const late = AbortSignal.timeout(connectMs);
  const addresses = await permittedAddresses(allow, host, resolveBySystem);
  const socket = await new Dialer(systemClock).dial(addresses, port, late).catch((error: unknown) => {
    throw late.aborted ? Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }) : error;
  });
  socket.destroy();
}
