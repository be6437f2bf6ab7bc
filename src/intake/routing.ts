import type { PoolClient } from 'pg';
import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import type { Database } from '../db/database.ts';
import {
  type CacheVersions,
  type RoutingRows,
  readRouting,
  readRoutingRows,
} from '../db/recording/intake-statements.ts';
import { Catalogue } from './catalogue.ts';
import { SubscriptionIndex } from './subscription-index.ts';

/** Catalogue and subscription index of one version, as intake uses them within one transaction. */
export interface Routing {
  readonly versions: CacheVersions;
  readonly catalogue: Catalogue;
  readonly index: SubscriptionIndex;
}

/**
 * The cached routing. Exactness does not rest on it: every intake transaction compares versions under a lock
 * and reloads when they differ. The five minutes bound what a cache nobody uses may hold on to.
 */
export class RoutingCache {
  readonly #db: Database;
  readonly #clock: Clock;
  #cached: Routing | undefined;
  #loading: Promise<Routing> | undefined;
  #until = 0;

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
  }

  /** Gives what is cached, or a fresh load. */
  async current(): Promise<Routing> {
    if (this.#cached !== undefined && this.#clock.steady() < this.#until) return this.#cached;
    return this.reload();
  }

  /** Loads anew; calls that come meanwhile share the load. */
  reload(): Promise<Routing> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /**
   * Loads anew in the background what is cached, so that the next commit need not. That it fails, or that what it
   * loads is out of date again, costs nothing but that.
   */
  refresh(): void {
    if (this.#cached !== undefined) this.reload().catch(() => {});
  }

  /**
   * Loads anew on a connection that is in an intake transaction: what it gives can't be outdated before that ends,
   * however fast subscriptions change.
   */
  async reloadWithin(client: PoolClient): Promise<Routing> {
    return this.#keep(await readRoutingRows(client));
  }

  async #load(): Promise<Routing> {
    const client = await this.#db.pool.connect();
    let broken: Error | boolean = true;
    try {
      const rows = await readRouting(client);
      broken = false;
      return this.#keep(rows);
    } finally {
      client.release(broken);
    }
  }

  #keep(rows: RoutingRows): Routing {
    const routing = {
      versions: rows.versions,
      catalogue: new Catalogue(rows.eventTypes, this.#cached?.catalogue),
      index: new SubscriptionIndex(rows.subscriptions),
    };
    this.#cached = routing;
    this.#until = this.#clock.steady() + limits.subscriptionCacheMs;
    return routing;
  }
}
