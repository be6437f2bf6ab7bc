/**
 * The numbers of all advisory locks. PostgreSQL keeps one space of numbers for each database, so two purposes with one
 * number exclude each other. A hub of the version before must meet this one at the same number: never change one.
 */
export const hubLocks = {
  /** Migrations run under it, one hub at a time. */
  migration: 4_207_001,
  /**
   * Recordings take it shared; a change of subscriptions or event types takes it alone. Nothing that lasts may hold it
   * alone, as every recording waits meanwhile. Migration 0012 has this number in a function.
   */
  routing: 4_207_002,
  /** Partitions are made and dropped under it. A drop may hold it for an hour. */
  partitions: 4_207_003,
  /** Changes of subscriptions and event types take it first, one after the other. Recordings do not know it. */
  routingChange: 4_207_004,
} as const;

/** The locks that are taken in the database `postgres` of the embedded server, where no lock of a hub's database is. */
export const folderLocks = {
  /** The hub that holds it has the data folder. */
  folder: 4_207_002,
} as const;
