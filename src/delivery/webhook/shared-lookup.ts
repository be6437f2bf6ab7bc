import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { ResolveAll } from './guard.ts';

/**
 * Makes connections to one host share one DNS lookup, and its result for a moment. The system's resolver works in
 * four threads: a window of connections to a host that does not resolve would fill them for seconds, and every
 * other shard would wait. Failures are kept too, shorter. What is shared is checked anew by each connection.
 */
export function shareLookups(resolve: ResolveAll, clock: Clock): ResolveAll {
  const known = new LRUCache<string, { found: ReturnType<ResolveAll>; until: number }>({
    max: limits.targetOrigins,
  });
  return hostname => {
    const kept = known.get(hostname);
    if (kept !== undefined && clock.steady() < kept.until) return kept.found;
    const found = resolve(hostname);
    // While it is under way everybody waits for it, however long it takes.
    const entry = { found, until: Number.POSITIVE_INFINITY };
    known.set(hostname, entry);
    found.then(
      () => {
        entry.until = clock.steady() + limits.lookupKeptMs;
      },
      () => {
        entry.until = clock.steady() + limits.lookupFailureKeptMs;
      },
    );
    return found;
  };
}
