import type { PoolClient } from 'pg';
import type { Vault } from '../../access/vault.ts';
import type { BusinessTime } from '../../core/business-time.ts';
import { badInput, errorCodeOf, HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { shownValue } from '../../core/shown-value.ts';
import type { Database } from '../../db/database.ts';
import { pauseSubscription, resumeSubscription } from '../../db/delivery/breaker-statements.ts';
import { SubscriptionEntity, type SubscriptionRow } from '../../db/entities.ts';
import { checkTexts } from '../../db/reading/filters.ts';
import { changeRouting } from '../../db/recording/intake-statements.ts';
import type { BacklogWork } from '../drain/backlog-work.ts';
import { secretContext } from '../drain/delivery-settings.ts';
import type { PayloadQueries } from '../payload/payload-queries.ts';
import { createSecret } from '../webhook/sign.ts';
import { uncoveredWarnings } from './narrowing.ts';
import {
  checkName,
  checkSecret,
  type SettingRules,
  type SubscriptionChanges,
  subscriptionColumns,
} from './subscription-input.ts';

/** Holds what changes of subscriptions set going. */
interface DrainControl {
  reopen(shard: string): void;
}

/** A new subscription as it is given. */
export interface NewSubscription extends SubscriptionChanges {
  name: string;
  targetSystem: string;
  secret?: string | null;
}

/** SQLSTATE unique_violation. */
const uniqueViolation = '23505';

/** Subscriptions: made, changed, paused, resumed, deleted. Each change holds for every event recorded after it. */
export class Subscriptions {
  readonly #db: Database;
  readonly #vault: Vault;
  readonly #drains: DrainControl;
  readonly #backlog: Pick<BacklogWork, 'cancel' | 'redate' | 'requeue'>;
  readonly #payloadQueries: Pick<PayloadQueries, 'faultOf'>;
  readonly #onChange: () => void;
  readonly #time: Pick<BusinessTime, 'cronFault'>;
  readonly #perSystem: number;

  /**
   * @param deps.perSystem how many one target system may have. @param deps.onChange is told of each change of who gets
   * what, once it is committed
   */
  constructor(deps: {
    db: Database;
    vault: Vault;
    drains: DrainControl;
    backlog: Pick<BacklogWork, 'cancel' | 'redate' | 'requeue'>;
    payloadQueries: Pick<PayloadQueries, 'faultOf'>;
    onChange: () => void;
    time: Pick<BusinessTime, 'cronFault'>;
    perSystem: number;
  }) {
    this.#db = deps.db;
    this.#vault = deps.vault;
    this.#drains = deps.drains;
    this.#backlog = deps.backlog;
    this.#payloadQueries = deps.payloadQueries;
    this.#onChange = deps.onChange;
    this.#time = deps.time;
    this.#perSystem = deps.perSystem;
  }

  /**
   * One subscription that is not deleted.
   * @param targetSystem only this system's; null: any
   * @throws HubError NOT_FOUND, also for what the caller may not see: it tells nothing of others'
   */
  async get(id: string, targetSystem: string | null): Promise<SubscriptionRow> {
    const found = await this.find(id, targetSystem);
    if (found === null) throw new HubError('NOT_FOUND', `There is no subscription ${shownValue(id)}.`);
    return found;
  }

  /** Works as `get`, null for none. */
  find(id: string, targetSystem: string | null): Promise<SubscriptionRow | null> {
    if (!/^\d{1,18}$/.test(id)) return Promise.resolve(null);
    const mine = targetSystem === null ? {} : { targetSystem };
    return this.#db.fork().findOne(SubscriptionEntity, { id, deletedAt: null, ...mine });
  }

  /** All that are not deleted, in the order of their ids. */
  async list(targetSystem: string | null): Promise<SubscriptionRow[]> {
    checkTexts({ targetSystem });
    const mine = targetSystem === null ? {} : { targetSystem };
    return this.#db
      .fork()
      .find(
        SubscriptionEntity,
        { deletedAt: null, ...mine },
        { orderBy: { id: 'asc' }, limit: limits.subscriptions },
      );
  }

  /** @throws HubError BAD_USER_INPUT, CONFLICT (name taken), LIMIT_EXCEEDED */
  async create(input: NewSubscription): Promise<{ subscription: SubscriptionRow; secret: string }> {
    const targetSystem = checkName('targetSystem', input.targetSystem);
    const secret = input.secret == null ? createSecret() : checkSecret(input.secret);
    const retry = input.retry ?? {};
    const columns = {
      target_system: targetSystem,
      ...subscriptionColumns({ ...input, retry }, await this.#rules()),
    };
    const id = await this.#change(async client => {
      await checkRoom(client, targetSystem, this.#perSystem);
      const { rows } = await client.query<{ id: string }>(
        `select nextval(pg_get_serial_sequence('data_subscriptions', 'id'))::text as id`,
      );
      const newId = rows[0]?.id ?? '';
      await insertRow(client, {
        ...columns,
        id: newId,
        secret: this.#vault.seal(secret, secretContext(newId)),
      });
      return newId;
    });
    return { subscription: await this.get(id, null), secret };
  }

  /**
   * @returns the changed subscription, and what becomes of waiting events that it no longer covers
   * @throws HubError BAD_USER_INPUT, CONFLICT, NOT_FOUND
   */
  async update(
    id: string,
    changes: SubscriptionChanges,
  ): Promise<{ subscription: SubscriptionRow; warnings: string[] }> {
    const columns = subscriptionColumns(changes, await this.#rules());
    const redates = 'mode' in columns || 'batch_cron' in columns;
    await this.#change(client => updateRow(client, id, redates ? { ...columns, redating: true } : columns));
    const subscription = await this.get(id, null);
    if (redates) await this.#backlog.redate(subscription);
    this.#drains.reopen(id);
    const selects = ['event_types', 'source_systems', 'company_ids'].some(name => name in columns);
    const warnings = selects ? await uncoveredWarnings(this.#db.pool, subscription) : [];
    return { subscription, warnings };
  }

  /** Nothing is attempted any more; everything is kept. */
  async pause(id: string): Promise<SubscriptionRow> {
    await pauseSubscription(this.#db.pool, id, 'person');
    return this.get(id, null);
  }

  /** Delivers what had failed because of the connection, and what was kept; also closes the breaker. */
  async resume(id: string): Promise<SubscriptionRow> {
    if (await resumeSubscription(this.#db.pool, id, null)) await this.#backlog.requeue(id);
    return this.get(id, null);
  }

  /**
   * Deletes: from the commit on nothing is recorded for it and nothing of it is attempted. What was not delivered is
   * cancelled after that, and its log stays.
   * @throws HubError NOT_FOUND
   */
  async delete(id: string): Promise<void> {
    await this.#change(client => updateRow(client, id, { deleted_at: 'now' }));
    // An attached consumer is told by the end of its stream.
    this.#drains.reopen(id);
    await this.#backlog.cancel(id);
  }

  /**
   * Makes a new secret. Both sign until the overlap is over; then the new one alone.
   * @param overlapHours 0 to `limits.overlapHours`
   * @throws HubError BAD_USER_INPUT, NOT_FOUND
   */
  async rotateSecret(
    id: string,
    overlapHours: number,
  ): Promise<{ subscription: SubscriptionRow; secret: string }> {
    if (overlapHours < 0 || overlapHours > limits.overlapHours)
      throw badInput('overlapHours', `overlapHours: 0 to ${limits.overlapHours}.`);
    const secret = createSecret();
    const sealed = this.#vault.seal(secret, secretContext(id));
    const { rowCount } = await this.#db.pool.query(
      // A rotation during a rotation: the newest secret takes the place of the one that had not come into force.
      `update data_subscriptions
       set secret = case when next_secret is not null and next_secret_at <= now() then next_secret else secret end,
           next_secret = $2, next_secret_at = now() + $3 * interval '1 hour', updated_at = now()
       where id = $1 and deleted_at is null`,
      [id, sealed, overlapHours],
    );
    if (rowCount === 0) throw new HubError('NOT_FOUND', `There is no subscription ${shownValue(id)}.`);
    // What is sent from now on is signed by both.
    this.#drains.reopen(id);
    return { subscription: await this.get(id, null), secret };
  }

  /** Seals every secret with the current key. @returns how many were sealed anew */
  async reencrypt(): Promise<number> {
    const { rows } = await this.#db.pool.query<{ id: string; secret: string; next_secret: string | null }>(
      'select id::text, secret, next_secret from data_subscriptions',
    );
    const old = rows.filter(row =>
      [row.secret, row.next_secret].some(text => text !== null && !this.#vault.isCurrent(text)),
    );
    for (const row of old) {
      const context = secretContext(row.id);
      const again = (text: string) => this.#vault.seal(this.#vault.open(text, context), context);
      await this.#db.pool.query(
        'update data_subscriptions set secret = $2, next_secret = $3 where id = $1 and secret = $4 and next_secret is not distinct from $5',
        [
          row.id,
          again(row.secret),
          row.next_secret === null ? null : again(row.next_secret),
          row.secret,
          row.next_secret,
        ],
      );
    }
    return old.length;
  }

  async #change<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    try {
      const result = await this.#db.transaction(client =>
        changeRouting(client, 'subscriptions', () => work(client)),
      );
      this.#onChange();
      return result;
    } catch (error) {
      if (errorCodeOf(error) !== uniqueViolation) throw error;
      throw new HubError('CONFLICT', 'The target system has a subscription of this name already.', {
        field: 'name',
        cause: error,
      });
    }
  }

  async #rules(): Promise<SettingRules> {
    const { rows } = await this.#db.pool.query<{ name: string }>('select name from event_types');
    return {
      eventTypes: new Set(rows.map(row => row.name)),
      payloadFaultOf: query => this.#payloadQueries.faultOf(query),
      cronFaultOf: pattern => this.#time.cronFault(pattern),
    };
  }
}

/** Deleted ones stay in the table, so those count too that were made of late and are gone. */
async function checkRoom(client: PoolClient, targetSystem: string, perSystem: number): Promise<void> {
  const { rows } = await client.query<{ all: number; own: number; late: number }>(
    `select count(*) filter (where deleted_at is null)::int as all,
       count(*) filter (where deleted_at is null and target_system = $1)::int as own,
       count(*) filter (where target_system = $1 and created_at > now() - interval '1 day')::int as late
     from data_subscriptions`,
    [targetSystem],
  );
  const { all, own, late } = rows[0] ?? { all: 0, own: 0, late: 0 };
  const perDay = perSystem * limits.subscriptionTurnover;
  if (all >= limits.subscriptions)
    throw new HubError(
      'LIMIT_EXCEEDED',
      `There are ${limits.subscriptions} subscriptions, which is the most.`,
    );
  if (own >= perSystem)
    throw new HubError(
      'LIMIT_EXCEEDED',
      `The target system has ${own} subscriptions, which is the most (HUB_SUBSCRIPTIONS_PER_SYSTEM).`,
      { field: 'targetSystem' },
    );
  if (late >= perDay)
    throw new HubError(
      'LIMIT_EXCEEDED',
      `${late} subscriptions of the target system were made within a day, which is the most; update one instead of making it anew.`,
      { field: 'targetSystem' },
    );
}

async function insertRow(client: PoolClient, columns: Record<string, unknown>): Promise<void> {
  const names = Object.keys(columns);
  await client.query(
    `insert into data_subscriptions (${names.join(', ')}) overriding system value values (${names.map((_, n) => `$${n + 1}`).join(', ')})`,
    Object.values(columns),
  );
}

async function updateRow(client: PoolClient, id: string, columns: Record<string, unknown>): Promise<void> {
  const names = Object.keys(columns);
  const sets = names.map((name, n) => `${name} = $${n + 2}`);
  const { rowCount } = await client.query(
    `update data_subscriptions set ${[...sets, 'version = version + 1', 'updated_at = now()'].join(', ')} where id = $1 and deleted_at is null`,
    [id, ...Object.values(columns)],
  );
  if (rowCount === 0) throw new HubError('NOT_FOUND', `There is no subscription ${shownValue(id)}.`);
}
