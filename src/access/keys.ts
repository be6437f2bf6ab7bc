import { createHash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import { badInput, HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Role } from '../core/model.ts';
import { shownValue } from '../core/shown-value.ts';
import type { Database } from '../db/database.ts';
import { ApiKeyEntity, type ApiKeyRow } from '../db/entities.ts';
import type { Caller } from './caller.ts';

/** Sets how often `last_used_at` is written at most, milliseconds: it tells people whether a key is still in use. */
const lastUsedEveryMs = 60_000;

/** No key has another form, so what has another is not looked up. */
const keyForm = /^[\x21-\x7e]{24,200}$/;

/** API keys: made, revoked, and checked on every request. Only SHA-256 of a key is kept; keys are 256 random bits. */
export class ApiKeys {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #good: LRUCache<string, { caller: Caller; until: number }>;
  /** Wrong keys are remembered apart: whoever tries many must not push out the good ones. */
  readonly #wrong: LRUCache<string, { caller: null; until: number }>;
  readonly #used = new Map<string, number>();

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#good = new LRUCache({ max: limits.keyCacheEntries });
    this.#wrong = new LRUCache({ max: limits.keyCacheEntries });
  }

  /** Tells who a key belongs to; null: unknown or revoked. A revoked key is out within `limits.keyCacheMs`. */
  async authenticate(key: string): Promise<Caller | null> {
    if (!keyForm.test(key)) return null;
    const hash = hashOf(key);
    const now = this.#clock.steady();
    const known = this.#good.get(hash) ?? this.#wrong.get(hash);
    if (known !== undefined && known.until > now) return known.caller;
    const { rows } = await this.#db.pool.query<{ id: string; role: Role; system: string | null }>({
      name: 'key-check',
      text: 'select id::text, role, system from api_keys where key_hash = $1 and revoked_at is null',
      values: [hash],
    });
    const row = rows[0];
    const until = now + limits.keyCacheMs;
    if (row === undefined) {
      this.#good.delete(hash);
      this.#wrong.set(hash, { caller: null, until });
      return null;
    }
    const caller = { keyId: row.id, role: row.role, system: row.system };
    this.#good.set(hash, { caller, until });
    await this.#noteUse(caller.keyId, now);
    return caller;
  }

  /**
   * Makes a key; its secret is given back this once.
   * @throws HubError BAD_USER_INPUT when the role needs a system, or takes none; LIMIT_EXCEEDED
   */
  async create(input: {
    name: string;
    role: Role;
    system: string | null;
  }): Promise<{ key: ApiKeyRow; secret: string }> {
    const name = input.name.trim();
    if (name === '' || name.length > limits.shortText)
      throw badInput('name', `name: 1 to ${limits.shortText} characters.`);
    checkSystem(input.role, input.system);
    const secret = createKeySecret();
    const key = await this.#insert({ ...input, name }, secret);
    return { key, secret };
  }

  /** @throws HubError NOT_FOUND; CONFLICT for the last admin key, without which nobody could make another */
  async revoke(id: string): Promise<ApiKeyRow> {
    const known = /^\d{1,18}$/.test(id) ? id : '0';
    await this.#db.transaction(async client => {
      // Two that revoke each other must not both find the other one there.
      await client.query('lock table api_keys in share row exclusive mode');
      const { rows } = await client.query<{ isLast: boolean }>(
        `select role = 'admin' and revoked_at is null
           and not exists (select 1 from api_keys o where o.role = 'admin' and o.revoked_at is null and o.id <> k.id) as "isLast"
         from api_keys k where id = $1`,
        [known],
      );
      if (rows[0] === undefined) throw new HubError('NOT_FOUND', `There is no API key ${shownValue(id)}.`);
      if (rows[0].isLast)
        throw new HubError('CONFLICT', `Key ${id} is the last admin key; make another one first.`);
      await client.query('update api_keys set revoked_at = coalesce(revoked_at, $2) where id = $1', [
        known,
        new Date(this.#clock.now()),
      ]);
    });
    this.#good.clear();
    return this.#db.fork().findOneOrFail(ApiKeyEntity, { id: known });
  }

  /** All keys, newest first. */
  list(): Promise<ApiKeyRow[]> {
    return this.#db.fork().find(ApiKeyEntity, {}, { orderBy: { id: 'desc' }, limit: limits.nestedList });
  }

  /** Makes `secret` an admin key, if there is none like it. @returns why it is no admin key all the same; null: it is one */
  async allowAdmin(secret: string): Promise<string | null> {
    await this.#db.pool.query(
      `insert into api_keys (name, role, key_hash) values ('HUB_ADMIN_KEY', 'admin', $1) on conflict do nothing`,
      [hashOf(secret)],
    );
    const { rows } = await this.#db.pool.query<{ id: string; role: Role; revoked: boolean }>(
      'select id::text, role, revoked_at is not null as revoked from api_keys where key_hash = $1',
      [hashOf(secret)],
    );
    const [key] = rows;
    if (key?.revoked === true)
      return `HUB_ADMIN_KEY is key ${key.id}, which was revoked: nobody gets in with it. Set another.`;
    if (key !== undefined && key.role !== 'admin')
      return `HUB_ADMIN_KEY is key ${key.id}, a ${key.role} key: nobody administers with it. Set another.`;
    return null;
  }

  /**
   * Makes an admin key where there is none at all. Call it once everything else has come about: its secret is shown
   * once, and a start that fails after it would have lost it.
   * @returns the secret; null where none was made
   */
  async makeFirstAdmin(): Promise<string | null> {
    const secret = createKeySecret();
    const made = await this.#db.transaction(async client => {
      await client.query('lock table api_keys in share row exclusive mode');
      const { rowCount } = await client.query(
        `insert into api_keys (name, role, key_hash)
         select 'first admin', 'admin', $1 where not exists (select 1 from api_keys where role = 'admin' and revoked_at is null)`,
        [hashOf(secret)],
      );
      return rowCount === 1;
    });
    return made ? secret : null;
  }

  async #insert(
    input: { name: string; role: Role; system: string | null },
    secret: string,
  ): Promise<ApiKeyRow> {
    const { rows } = await this.#db.pool.query<{ id: string }>(
      `insert into api_keys (name, role, system, key_hash)
       select $1, $2, $3, $4 where (select count(*) from api_keys where revoked_at is null) < $5 returning id::text`,
      [input.name, input.role, input.system, hashOf(secret), limits.apiKeys],
    );
    if (rows.length === 0)
      throw new HubError(
        'LIMIT_EXCEEDED',
        `There are ${limits.apiKeys} API keys that are not revoked, which is the most; revoke those that nobody uses.`,
      );
    return this.#db.fork().findOneOrFail(ApiKeyEntity, { id: rows[0]?.id ?? '' });
  }

  async #noteUse(keyId: string, now: number): Promise<void> {
    if (now - (this.#used.get(keyId) ?? Number.NEGATIVE_INFINITY) < lastUsedEveryMs) return;
    this.#used.set(keyId, now);
    // Not being able to write it down is no reason to refuse the caller: the next use will be noted.
    await this.#db.pool
      .query('update api_keys set last_used_at = now() where id = $1', [keyId])
      .catch(() => this.#used.delete(keyId));
  }
}

function checkSystem(role: Role, system: string | null): void {
  const bound = role === 'publisher' || role === 'subscriber';
  if (bound && (system === null || system.trim() === '')) {
    throw badInput('system', `system: a ${role} key is bound to one system; name it.`);
  }
  if (!bound && system !== null)
    throw badInput('system', `system: ${role} keys are not bound to a system; leave it out.`);
  if (system !== null && system.length > limits.shortText)
    throw badInput('system', `system: at most ${limits.shortText} characters.`);
}

function createKeySecret(): string {
  return `hub_${randomBytes(32).toString('base64url')}`;
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}
