import type { Pool, PoolClient } from 'pg';

/** SQL: an instant in milliseconds since 1970; the pool gives times as texts. */
function ms(column: string): string {
  return `(extract(epoch from ${column}) * 1000)::float8`;
}

/** An alert as it stands in its table; times in milliseconds since 1970, ids as texts. */
export interface AlertRow {
  readonly id: string;
  readonly rule: string;
  readonly subject: string;
  readonly subscriptionId: string | null;
  readonly state: 'firing' | 'resolved';
  readonly severity: 'critical' | 'warning' | 'info';
  readonly level: number;
  readonly value: number | null;
  readonly threshold: number | null;
  readonly cause: string | null;
  /** As it was written, by this version or another; null: none. */
  readonly details: unknown;
  readonly firedAt: number;
  readonly resolvedAt: number | null;
  readonly notifiedLevel: number;
  readonly notifiedAt: number | null;
  readonly acknowledgedLevel: number;
  readonly acknowledgedAt: number | null;
  readonly acknowledgedBy: string | null;
  readonly escalatedLevel: number;
  readonly told: string[];
}

// An `order by id` would mean the text, so 10 before 9: lists are ordered by the table's own column.
const columns = `id::text, rule, subject, subscription_id::text as "subscriptionId", state, severity, level, value, threshold, cause, details,
  ${ms('fired_at')} as "firedAt", ${ms('resolved_at')} as "resolvedAt", notified_level as "notifiedLevel", ${ms('notified_at')} as "notifiedAt",
  acknowledged_level as "acknowledgedLevel", ${ms('acknowledged_at')} as "acknowledgedAt", acknowledged_by as "acknowledgedBy",
  escalated_level as "escalatedLevel", told`;

/**
 * Takes the evaluation that is due; its lock lasts as long as the transaction.
 * @returns false: another process has it, or it was done less than `leastMs` ago
 */
export async function takeEvaluation(client: PoolClient, at: Date, leastMs: number): Promise<boolean> {
  const { rows } = await client.query<{ at: number }>(
    `select ${ms('evaluated_at')} as at from alert_evaluation for update skip locked`,
  );
  const last = rows[0]?.at;
  if (last === undefined) return false;
  const since = at.getTime() - last;
  // A clock that was set back must not keep alerts waiting for it.
  if (since >= 0 && since < leastMs) return false;
  await client.query('update alert_evaluation set evaluated_at = $1', [at]);
  return true;
}

/** Holds what a rule remembers of a subject. */
export interface StateRow {
  readonly rule: string;
  readonly subject: string;
  readonly subscriptionId: string | null;
  readonly state: unknown;
}

/** Everything that rules remember. */
export async function readStates(client: PoolClient): Promise<StateRow[]> {
  const { rows } = await client.query<StateRow>(
    'select rule, subject, subscription_id::text as "subscriptionId", state from alert_states',
  );
  return rows;
}

/** Writes what changed of what rules remember. */
export async function writeStates(
  client: PoolClient,
  changed: readonly StateRow[],
  gone: readonly Pick<StateRow, 'rule' | 'subject'>[],
): Promise<void> {
  if (gone.length > 0)
    await client.query(
      `delete from alert_states a using jsonb_to_recordset($1::jsonb) as g (rule text, subject text)
       where a.rule = g.rule and a.subject = g.subject`,
      [JSON.stringify(gone)],
    );
  if (changed.length > 0)
    await client.query(
      `insert into alert_states (rule, subject, subscription_id, state)
       select rule, subject, "subscriptionId", state
       from jsonb_to_recordset($1::jsonb) as c (rule text, subject text, "subscriptionId" bigint, state jsonb)
       on conflict (rule, subject) do update set state = excluded.state`,
      [JSON.stringify(changed)],
    );
}

/** All alerts that fire. */
export async function firingAlerts(client: PoolClient): Promise<AlertRow[]> {
  const { rows } = await client.query<AlertRow>(
    `select ${columns} from alerts where state = 'firing' order by alerts.id`,
  );
  return rows;
}

/** Holds what an evaluation writes of an alert. */
export type AlertWrite = Pick<
  AlertRow,
  | 'rule'
  | 'subject'
  | 'subscriptionId'
  | 'severity'
  | 'level'
  | 'value'
  | 'threshold'
  | 'cause'
  | 'details'
  | 'firedAt'
  | 'notifiedLevel'
  | 'notifiedAt'
  | 'escalatedLevel'
  | 'told'
>;

/** SQL: a column of milliseconds since 1970 as an instant. */
function instant(column: string): string {
  return `to_timestamp(${column} / 1000)`;
}

/** Writes alerts that begin to fire. @returns their ids, in the same order */
export async function insertAlerts(client: PoolClient, alerts: readonly AlertWrite[]): Promise<string[]> {
  if (alerts.length === 0) return [];
  const { rows } = await client.query<{ id: string }>(
    `insert into alerts (rule, subject, subscription_id, severity, level, value, threshold, cause, details, fired_at, notified_level, notified_at,
       escalated_level, told)
     select rule, subject, "subscriptionId", severity, level, value, threshold, cause, details, ${instant('"firedAt"')}, "notifiedLevel",
       ${instant('"notifiedAt"')}, "escalatedLevel", told
     from rows from (jsonb_to_recordset($1::jsonb) as (rule text, subject text, "subscriptionId" bigint, severity text, level int,
       value float8, threshold float8, cause text, details jsonb, "firedAt" float8, "notifiedLevel" int, "notifiedAt" float8, "escalatedLevel" int,
       told text[])) with ordinality order by ordinality
     returning id::text`,
    [JSON.stringify(alerts)],
  );
  return rows.map(row => row.id);
}

/** Writes what changed of alerts that fire. */
export async function updateAlerts(
  client: PoolClient,
  alerts: readonly (AlertWrite & { readonly id: string })[],
): Promise<void> {
  if (alerts.length === 0) return;
  await client.query(
    `update alerts a set severity = w.severity, level = w.level, value = w.value, threshold = w.threshold, cause = w.cause,
       details = w.details, notified_level = w."notifiedLevel", notified_at = ${instant('w."notifiedAt"')}, escalated_level = w."escalatedLevel", told = w.told
     from jsonb_to_recordset($1::jsonb) as w (id bigint, severity text, level int, value float8, threshold float8, cause text, details jsonb,
       "notifiedLevel" int, "notifiedAt" float8, "escalatedLevel" int, told text[])
     where a.id = w.id`,
    [JSON.stringify(alerts)],
  );
}

/** Ends alerts. */
export async function resolveAlerts(client: PoolClient, ids: readonly string[], at: Date): Promise<void> {
  if (ids.length === 0) return;
  await client.query(`update alerts set state = 'resolved', resolved_at = $2 where id = any($1)`, [ids, at]);
}

/** Forgets alerts that were resolved before an instant, at most `most` at once. */
export async function forgetAlerts(client: PoolClient, before: Date, most: number): Promise<void> {
  await client.query(
    `delete from alerts where id in (
       select id from alerts where state = 'resolved' and resolved_at < $1 order by resolved_at limit $2)`,
    [before, most],
  );
}

/** The newest alerts. */
export async function listAlerts(
  pool: Pool,
  state: AlertRow['state'] | null,
  first: number,
): Promise<AlertRow[]> {
  const { rows } = await pool.query<AlertRow>(
    `select ${columns} from alerts where $1::text is null or state = $1 order by alerts.id desc limit $2`,
    [state, first],
  );
  return rows;
}

/** Alerts by id, in the order of their ids. */
export async function alertsById(pool: Pool, ids: readonly string[]): Promise<AlertRow[]> {
  const { rows } = await pool.query<AlertRow>(
    `select ${columns} from alerts where id = any($1) order by alerts.id`,
    [ids],
  );
  return rows;
}

/**
 * Notes who took note of an alert that fires. Who did so first stays, unless it has got worse since.
 * @returns the alert as it stands then; undefined: there is none that fires
 */
export async function acknowledge(
  pool: Pool,
  id: string,
  by: { readonly keyId: string; readonly at: Date },
): Promise<AlertRow | undefined> {
  const { rows } = await pool.query<AlertRow>(
    `update alerts set acknowledged_level = greatest(acknowledged_level, level),
       acknowledged_at = case when acknowledged_level < level then $2 else acknowledged_at end,
       acknowledged_by = case when acknowledged_level < level then (select name from api_keys where id = $3) else acknowledged_by end
     where id = $1 and state = 'firing' returning ${columns}`,
    [id, by.at, by.keyId],
  );
  return rows[0];
}

/** Holds what is told to nobody for a while. */
export interface SilenceRow {
  readonly id: string;
  readonly rule: string | null;
  readonly subscriptionId: string | null;
  readonly until: number;
  readonly reason: string;
  readonly createdBy: string;
  readonly createdAt: number;
}

const silenceColumns = `id::text, rule, subscription_id::text as "subscriptionId", ${ms('until')} as until,
  reason, created_by as "createdBy", ${ms('created_at')} as "createdAt"`;

/** Silences that hold after an instant. */
export async function silencesAt(db: Pool | PoolClient, at: Date): Promise<SilenceRow[]> {
  const { rows } = await db.query<SilenceRow>(
    `select ${silenceColumns} from alert_silences where until > $1 order by alert_silences.id`,
    [at],
  );
  return rows;
}

/** Adds a silence. */
export async function insertSilence(
  pool: Pool,
  silence: Omit<SilenceRow, 'id' | 'createdBy'> & { readonly keyId: string },
): Promise<SilenceRow> {
  const { rule, subscriptionId, until, reason, keyId, createdAt } = silence;
  const { rows } = await pool.query<SilenceRow>(
    `insert into alert_silences (rule, subscription_id, until, reason, created_by, created_at) values ($1, $2, $3, $4, coalesce((select name from api_keys where id = $5), '?'), $6)
     returning ${silenceColumns}`,
    [rule, subscriptionId, new Date(until), reason, keyId, new Date(createdAt)],
  );
  const row = rows[0];
  if (row === undefined) throw new Error('An insert returned nothing.');
  return row;
}

/** Ends a silence now. @returns undefined: there is none that holds */
export async function endSilence(pool: Pool, id: string, at: Date): Promise<SilenceRow | undefined> {
  const { rows } = await pool.query<SilenceRow>(
    `update alert_silences set until = $2 where id = $1 and until > $2 returning ${silenceColumns}`,
    [id, at],
  );
  return rows[0];
}
