import type { Pool } from 'pg';

/** An attached consumer that answers consistency questions. */
export interface ListenerRow {
  readonly id: string;
  readonly subscriptionId: string;
  readonly keyId: string;
}

/** A question that a listener has taken. */
export interface TakenQuestion {
  readonly id: string;
  readonly listenerId: string;
  /** JSON text. */
  readonly question: string;
}

/** Renews the leases of listeners, makes again those that are gone, and drops what nobody renewed. */
export async function renewListeners(
  pool: Pool,
  listeners: readonly ListenerRow[],
  leaseMs: number,
): Promise<void> {
  await pool.query({
    name: 'listener-renew',
    text: `with stale as (delete from consistency_listeners where lease_until < now() - interval '1 minute'),
             unread as (delete from consistency_questions where asked_at < now() - interval '10 minutes')
           insert into consistency_listeners (id, subscription_id, key_id, lease_until)
           select id, subscription_id, key_id, now() + $4 * interval '1 millisecond'
           from unnest($1::uuid[], $2::bigint[], $3::bigint[]) l (id, subscription_id, key_id)
           on conflict (id) do update set lease_until = excluded.lease_until`,
    values: [
      listeners.map(l => l.id),
      listeners.map(l => l.subscriptionId),
      listeners.map(l => l.keyId),
      leaseMs,
    ],
  });
}

/** Notes that a listener has left. */
export async function deleteListener(pool: Pool, id: string): Promise<void> {
  await pool.query('delete from consistency_listeners where id = $1', [id]);
}

/** Gives those of some subscriptions that have a listener, on any node. */
export async function listenedAmong(pool: Pool, subscriptionIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await pool.query<{ id: string }>(
    'select distinct subscription_id::text as id from consistency_listeners where subscription_id = any($1) and lease_until > now()',
    [subscriptionIds],
  );
  return new Set(rows.map(row => row.id));
}

/** Puts a question where the node of a listener finds it. @param question JSON text */
export async function insertQuestion(
  pool: Pool,
  question: { id: string; subscriptionId: string; question: string },
): Promise<void> {
  await pool.query('insert into consistency_questions (id, subscription_id, question) values ($1, $2, $3)', [
    question.id,
    question.subscriptionId,
    question.question,
  ]);
}

/** Takes the questions to the subscriptions of some listeners, each for one of them. */
export async function takeQuestions(pool: Pool, listeners: readonly ListenerRow[]): Promise<TakenQuestion[]> {
  const { rows } = await pool.query<TakenQuestion>({
    name: 'question-take',
    text: `update consistency_questions q set listener_id = l.id, key_id = l.key_id
           from (select distinct on (subscription_id) * from unnest($1::uuid[], $2::bigint[], $3::bigint[]) l (id, subscription_id, key_id)) l
           where q.listener_id is null and q.subscription_id = l.subscription_id
           returning q.id::text, q.listener_id::text as "listenerId", q.question::text as question`,
    values: [listeners.map(l => l.id), listeners.map(l => l.subscriptionId), listeners.map(l => l.keyId)],
  });
  return rows;
}

/** Notes an answer. @param answer JSON text @returns false: nobody waits for it from this key (any more) */
export async function answerQuestion(
  pool: Pool,
  keyId: string,
  id: string,
  answer: string,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    'update consistency_questions set answer = $3 where id = $1 and key_id = $2 and answer is null',
    [id, keyId, answer],
  );
  return rowCount === 1;
}

/** The answer to a question; undefined: none yet. */
export async function readAnswer(pool: Pool, id: string): Promise<unknown> {
  const { rows } = await pool.query<{ answer: unknown }>(
    'select answer from consistency_questions where id = $1 and answer is not null',
    [id],
  );
  return rows[0]?.answer;
}

/** Forgets a question: it was answered, or is waited for no more. */
export async function deleteQuestion(pool: Pool, id: string): Promise<void> {
  await pool.query('delete from consistency_questions where id = $1', [id]);
}
