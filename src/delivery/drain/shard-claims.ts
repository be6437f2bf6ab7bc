import { limits } from '../../core/limits.ts';
import type { Database } from '../../db/database.ts';
import {
  type ClaimedRow,
  type ClaimRequest,
  claimDue,
  claimDueOfMany,
} from '../../db/delivery/claim-statements.ts';
import type { Parking } from './parking.ts';

interface Asked {
  readonly request: ClaimRequest;
  readonly resolve: (syncs: ClaimedRow[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Claims for all shards of this process. What shards ask for alike in one turn of the event loop is one statement: an
 * event that goes to a hundred subscriptions wakes a hundred shards at once.
 */
export class ShardClaims {
  readonly #db: Database;
  readonly #parking: Pick<Parking, 'crowded'> | undefined;
  #asked: Asked[] = [];

  /** @param parking is told of shards whose claims pass over many blocked syncs */
  constructor(db: Database, parking?: Pick<Parking, 'crowded'>) {
    this.#db = db;
    this.#parking = parking;
  }

  /** Works as `claimDue`. */
  claim(request: ClaimRequest): Promise<ClaimedRow[]> {
    return new Promise((resolve, reject) => {
      if (this.#asked.length === 0) setImmediate(() => this.#run());
      this.#asked.push({ request, resolve, reject });
    });
  }

  #run(): void {
    const alike = Map.groupBy(this.#asked.splice(0), ({ request }) => kindOf(request));
    for (const asked of alike.values()) {
      const [first] = asked;
      if (first === undefined) continue;
      // No more rows in one answer than one shard may ask for.
      const most =
        first.request.shard === null ? Math.max(1, Math.floor(limits.claimAhead / first.request.limit)) : 1;
      for (let at = 0; at < asked.length; at += most) void this.#claim(asked.slice(at, at + most));
    }
  }

  async #claim(asked: readonly Asked[]): Promise<void> {
    const [first] = asked;
    if (first === undefined) return;
    try {
      if (asked.length === 1) return this.#give(first, await claimDue(this.#db.pool, first.request));
      const shards = asked.map(({ request }) => request);
      const syncs = await claimDueOfMany(this.#db.pool, first.request, shards);
      const byToken = Map.groupBy(syncs, sync => sync.token);
      for (const one of asked) this.#give(one, byToken.get(one.request.token) ?? []);
    } catch (error) {
      for (const { reject } of asked) reject(error);
    }
  }

  #give({ request, resolve }: Asked, syncs: ClaimedRow[]): void {
    if (syncs[0]?.isCrowded === true) this.#parking?.crowded(request.subscriptionId, request.part);
    resolve(syncs);
  }
}

/** Gives what must be the same of claims that are one statement. */
function kindOf({ transport, part, limit, leaseMs, states, shard }: ClaimRequest): string {
  return [transport, part, limit, leaseMs, states.join('+'), shard === null].join(' ');
}
