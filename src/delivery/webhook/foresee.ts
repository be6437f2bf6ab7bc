import type { Clock } from '../../core/clock.ts';
import { errorCodeOf, messageOf } from '../../core/errors.ts';
import { permittedAddresses, type ResolveAll, type TargetAllow, TargetNotAllowedError } from './guard.ts';

/** Sets how long a name may take; whoever waits for it has made a subscription, milliseconds. */
const lookupMs = 2_000;

/** Holds what a foresight works with. */
export interface ForesightOptions {
  readonly allow: TargetAllow;
  readonly lookup: ResolveAll;
  readonly clock: Clock;
}

/**
 * Tells what will keep the hub from a target, as far as its address does: nothing is sent there. What it finds is no
 * reason to refuse the URL: names and HUB_TARGET_ALLOW change.
 * @param url as `checkTargetUrl` lets it through
 * @returns null: nothing, or nothing that could be told in time
 */
export async function foreseeTarget(
  url: string,
  { allow, lookup, clock }: ForesightOptions,
): Promise<string | null> {
  const host = new URL(url).hostname.replace(/^\[|\]$/g, '');
  const done = new AbortController();
  const fault = permittedAddresses(allow, host, lookup).then(
    () => null,
    (error: unknown) => faultOf(host, error),
  );
  const late = clock.sleep(lookupMs, done.signal).then(() => null);
  return Promise.race([fault, late]).finally(() => done.abort());
}

function faultOf(host: string, error: unknown): string {
  if (error instanceof TargetNotAllowedError)
    return `${error.message} Until then what goes there is FAILED (${error.code}).`;
  return `The name ${host} does not resolve (${errorCodeOf(error) ?? messageOf(error)}). Correct it, or its DNS; until then nothing can be delivered there.`;
}
