import type { Caller } from '../access/caller.ts';
import type { Database } from '../db/database.ts';
import type { Replica } from '../db/reading/replica.ts';

/** The databases that operations read from. */
export interface Databases {
  readonly primary: Database;
  readonly replica?: Replica | undefined;
}

/**
 * Says where one operation reads: on the primary, until it asks for a list with an analyst's key. That list, and what hangs
 * on it, comes from the replica while it can be used. Publishers and consumers read what they have just written, so
 * they always get the primary.
 */
export class Reading {
  readonly primary: Database;
  readonly #replica: Replica | undefined;
  #current: Database;

  constructor({ primary, replica }: Databases, caller: Caller | null) {
    this.primary = primary;
    this.#replica = caller?.role === 'analyst' ? replica : undefined;
    this.#current = primary;
  }

  /** Says where what hangs on the operation's lists is read; a row that is missing there may be on the primary. */
  get current(): Database {
    return this.#current;
  }

  /** Reads a list, or counts one. */
  list<T>(work: (db: Database) => Promise<T>): Promise<T> {
    this.#current = this.#replica?.current() ?? this.primary;
    return this.follow(work);
  }

  /** Reads where the operation is; once more on the primary where the replica fails. */
  async follow<T>(work: (db: Database) => Promise<T>): Promise<T> {
    const db = this.#current;
    try {
      return await work(db);
    } catch (error) {
      if (db === this.primary || this.#replica?.isAtFault(error) !== true) throw error;
      this.#current = this.primary;
      return work(this.primary);
    }
  }
}
