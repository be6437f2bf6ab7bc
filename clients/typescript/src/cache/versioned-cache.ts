import type {
  ConsistencyEntry,
  ConsistencyFilter,
  ConsistencyNode,
  ConsistencySource,
} from '../consistency.ts';
import { recordKey, voucherDigest } from '../digest.ts';
import type { HubEvent, RecordRef } from '../event.ts';
import { checkAddress, type HubAddress, HubRequestError, type RequestBounds } from '../hub-request.ts';
import { type Effect, isRepair } from '../sql/tables.ts';
import type { CachedVoucher, CacheStore, HeldVoucher } from './cache-store.ts';
import { askVersions, askVoucher, type HubVersion, versionsAtOnce } from './hub-voucher.ts';

/** Records that `getMany` fetches at once. */
const fetchesAtOnce = 8;

/** Holds what a cache works with. */
export interface CacheOptions {
  /** `pgCache(pool)` or `sqliteCache(db)`. */
  readonly store: CacheStore;
  readonly hub: HubAddress;
  /** Says how long a read may wait for the hub, milliseconds. Default: 2,000. */
  readonly timeoutMs?: number;
  /** Holds what a read does where the hub does not answer: the copy with `fresh: false` (default), or throws. */
  readonly onUnreachable?: 'stale' | 'throw';
}

/** Holds what a read found. */
export interface CacheRead extends CachedVoucher {
  /** True when the hub has said that this is its current version. */
  readonly fresh: boolean;
  /** Why the hub could not say so; null where it did. */
  readonly error: HubRequestError | null;
}

/** A read-only copy of the hub's vouchers that knows their versions. */
export class VersionedCache implements ConsistencySource {
  readonly #options: CacheOptions;
  /** Reads under way, by record: a second one waits for the first one's answer. */
  readonly #reads = new Map<string, Promise<CacheRead | null>>();

  /** @throws {TypeError} where the hub's address or the key is missing */
  constructor(options: CacheOptions) {
    checkAddress(options.hub);
    this.#options = options;
  }

  /** Makes the table where it is missing. @throws what the database throws */
  createTables(): Promise<void> {
    return this.#options.store.createTables();
  }

  /**
   * Takes an event's voucher in, unless a newer one is held. `data` must be the whole business data: do not use a
   * `payloadQuery` on the subscription.
   * @throws {HubRequestError} where a repair is older than what is held and the hub can't be asked which is right
   */
  async apply(event: HubEvent): Promise<Effect> {
    const { store, hub } = this.#options;
    const copy = { voucher: event.voucher, data: event.data };
    // Writing the same copy again harms nothing, and a repair may have come because it is no longer the same.
    const effect = await store.put(copy, isRepair(event));
    if (effect !== 'stale' || !isRepair(event)) return effect;
    const held = await store.read(recordKey(event.voucher));
    const current = await askVoucher(hub, event.voucher, this.#bounds());
    if (held === null || current === null || current.voucher.source_version > held.source_version)
      return effect;
    return (await store.replace(current, held)) ? 'applied' : effect;
  }

  /**
   * Reads a record: asks the hub for its version, and fetches it where the copy is missing, behind or otherwise other.
   * @returns null where the hub has no such record that the key may see
   * @throws {HubRequestError} where the hub does not answer and there is no copy, or `onUnreachable` is `throw`
   */
  get(ref: RecordRef): Promise<CacheRead | null> {
    const k = recordKey(ref);
    const underWay = this.#reads.get(k);
    if (underWay !== undefined) return underWay;
    const read = this.#get(k, ref).finally(() => this.#reads.delete(k));
    this.#reads.set(k, read);
    return read;
  }

  /**
   * Works as `get` of each, in their order: the versions of a thousand records are one question, and only what differs is
   * fetched. What the database throws, and `get` would throw for one of them, it throws for all.
   */
  async getMany(refs: readonly RecordRef[]): Promise<(CacheRead | null)[]> {
    const reads: (CacheRead | null)[] = [];
    for (let at = 0; at < refs.length; at += versionsAtOnce)
      reads.push(...(await this.#getMany(refs.slice(at, at + versionsAtOnce))));
    return reads;
  }

  /** Part of answering the consistency protocol. @throws what the database throws */
  nodes(prefixes: readonly string[], filter: ConsistencyFilter): Promise<ConsistencyNode[]> {
    return this.#options.store.nodes(prefixes, filter);
  }

  /** Part of answering the consistency protocol. @throws what the database throws */
  entries(
    prefixes: readonly string[],
    filter: ConsistencyFilter,
    limit: number,
  ): Promise<ConsistencyEntry[]> {
    return this.#options.store.entries(prefixes, filter, limit);
  }

  /**
   * Computes every digest again from what the copies hold, so that the hub's next check finds what was changed here
   * behind the cache's back. Reads all of the table, a batch at a time.
   * @returns how many copies it looked at, and how many digests it had to correct
   * @throws what the database throws
   */
  async recomputeDigests(
    options: { batchSize?: number } = {},
  ): Promise<{ checked: number; changed: number }> {
    const { store } = this.#options;
    const limit = options.batchSize ?? 500;
    let [checked, changed] = [0, 0];
    for (let afterK: string | null = ''; afterK !== null; ) {
      const page: HeldVoucher[] = await store.page(afterK, limit);
      for (const held of page) {
        const digest = voucherDigest(held.data, held.voucher);
        if (digest !== held.digest && (await store.setDigest(held, digest))) changed += 1;
      }
      checked += page.length;
      afterK = page.length < limit ? null : (page.at(-1)?.k ?? null);
    }
    return { checked, changed };
  }

  async #get(k: string, ref: RecordRef): Promise<CacheRead | null> {
    const held = await this.#options.store.read(k);
    const startedAt = performance.now();
    try {
      // What is not held is fetched whole: its version need not be asked for.
      const versions = held === null ? [] : await askVersions(this.#options.hub, [ref], this.#bounds());
      // Both questions together stay within the read's time.
      const timeoutMs = Math.max(this.#bounds().timeoutMs - (performance.now() - startedAt), 1);
      return await this.#bringUp({ ref, held, current: versions[0] }, { timeoutMs });
    } catch (error) {
      return this.#without(error, held);
    }
  }

  async #getMany(refs: readonly RecordRef[]): Promise<(CacheRead | null)[]> {
    const { store, hub } = this.#options;
    const held = new Map<RecordRef, HeldVoucher | null>();
    for (const ref of refs) held.set(ref, await store.read(recordKey(ref)));
    const heldOf = (ref: RecordRef) => held.get(ref) ?? null;
    let versions: readonly (HubVersion | null)[];
    try {
      versions = await askVersions(hub, refs, this.#bounds());
    } catch (error) {
      return refs.map(ref => this.#without(error, heldOf(ref)));
    }
    const reads: (CacheRead | null)[] = [];
    const work = refs.entries();
    const readOn = async () => {
      for (const [n, ref] of work) {
        const copy = heldOf(ref);
        reads[n] = await this.#bringUp(
          { ref, held: copy, current: versions[n] ?? null },
          this.#bounds(),
        ).catch((error: unknown) => this.#without(error, copy));
      }
    };
    await Promise.all(Array.from({ length: fetchesAtOnce }, readOn));
    return reads;
  }

  /**
   * Gives what is read where the hub could not be asked. @throws what kept it from being asked, where nothing may be
   * read then
   */
  #without(error: unknown, held: HeldVoucher | null): CacheRead {
    const { onUnreachable } = this.#options;
    if (held === null || onUnreachable === 'throw' || !(error instanceof HubRequestError)) throw error;
    return { voucher: held.voucher, data: held.data, fresh: false, error };
  }

  /** The copy where it is current, else what is fetched. @param of.current null: the hub has none; undefined: not asked */
  async #bringUp(
    of: { ref: RecordRef; held: HeldVoucher | null; current: HubVersion | null | undefined },
    bounds: RequestBounds,
  ): Promise<CacheRead | null> {
    const { store, hub } = this.#options;
    const { ref, held } = of;
    if (of.current === null) return null;
    if (
      held !== null &&
      of.current?.sourceVersion === held.source_version &&
      of.current.digest === held.digest
    )
      return { voucher: held.voucher, data: held.data, fresh: true, error: null };
    const current = await askVoucher(hub, ref, bounds);
    if (current === null) return null;
    const effect = await store.put(current, false);
    // A copy that claims to be newer than the hub's is wrong, unless an event has just brought it.
    if (effect === 'stale' && held !== null) await store.replace(current, held);
    return { ...current, fresh: true, error: null };
  }

  #bounds(): RequestBounds {
    return { timeoutMs: this.#options.timeoutMs ?? 2_000 };
  }
}
