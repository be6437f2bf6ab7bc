import { createHash, randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../core/clock.ts';
import { badInput, HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Role } from '../core/model.ts';
import type { Database } from '../db/database.ts';
import { ApiKeyEntity, type ApiKeyRow } from '../db/entities.ts';
import type { Caller } from './caller.ts';

/** How often `last_used_at` is written at most, milliseconds: it tells people whether a key is still in use. */
const lastUsedEveryMs = 60_000;

/** API keys: made, revoked, and checked on every request. Only SHA-256 of a key is kept; keys are 256 random bits. */
export class ApiKeys {
  readonly #db: Database;
  readonly #clock: Clock;
  readonly #checked: LRUCache<string, { caller: Caller | null; until: number }>;
  readonly #used = new Map<string, number>();

  constructor(db: Database, clock: Clock) {
    this.#db = db;
    this.#clock = clock;
    this.#checked = new LRUCache({ max: limits.keyCacheEntries });
  }

  /** Who a key belongs to; null: unknown or revoked. A revoked key is out within `limits.keyCacheMs`. */
  async authenticate(key: string): Promise<Caller | null> {
    const hash = hashOf(key);
    const now = this.#clock.steady();
    const known = this.#checked.get(hash);
    if (known !== undefined && known.until > now) return known.caller;
    const { rows } = await this.#db.pool.query<{ id: string; role: Role; system: string | null }>({
      name: 'key-check',
      text: 'select id::text, role, system from api_keys where key_hash = $1 and revoked_at is null',
      values: [hash],
    });
    const row = rows[0];
    const caller = row === undefined ? null : { keyId: row.id, role: row.role, system: row.system };
    this.#checked.set(hash, { caller, until: now + limits.keyCacheMs });
    if (caller !== null) await this.#noteUse(caller.keyId, now);
    return caller;
  }

  /**
   * Makes a key; its secret is given back this once.
   * @throws HubError BAD_USER_INPUT when the role needs a system, or takes none
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

  /** @throws HubError NOT_FOUND */
  async revoke(id: string): Promise<ApiKeyRow> {
    const em = this.#db.fork();
    const key = /^\d{1,18}$/.test(id) ? await em.findOne(ApiKeyEntity, { id }) : null;
    if (key === null) throw new HubError('NOT_FOUND', `There is no API key ${id}.`);
    key.revokedAt ??= new Date(this.#clock.now());
    await em.flush();
    this.#checked.clear();
    return key;
  }

  /** All keys, newest first. */
  list(): Promise<ApiKeyRow[]> {
    return this.#db.fork().find(ApiKeyEntity, {}, { orderBy: { id: 'desc' }, limit: limits.nestedList });
  }

  /** Makes `secret` an admin key, if it is none yet. */
  async allowAdmin(secret: string): Promise<void> {
    await this.#db.pool.query(
      `insert into api_keys (name, role, key_hash) values ('HUB_ADMIN_KEY', 'admin', $1) on conflict do nothing`,
      [hashOf(secret)],
    );
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
      'insert into api_keys (name, role, system, key_hash) values ($1, $2, $3, $4) returning id::text',
      [input.name, input.role, input.system, hashOf(secret)],
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
