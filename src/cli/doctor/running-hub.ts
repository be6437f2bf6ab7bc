import { z } from 'zod';
import { systemClock } from '../../core/clock.ts';
import { messageOf } from '../../core/errors.ts';
import { type ClientOptions, createClient, hasKey, RefusedError } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import type { DoctorTargetsQuery } from '../generated/graphql.ts';
import { shownTime } from '../shown-time.ts';
import { type Check, checksOf } from './check.ts';
import { skewCheck } from './database.ts';

const targets = graphql(`
  query DoctorTargets {
    dataSubscriptions {
      id name targetSystem state backlog webhookUrl connected unattachedSince failedCount troubledSince
      lastQuarterHour { succeeded failed }
    }
  }
`);

const restores = graphql(`
  query DoctorRestores { databaseRestores { noticedAt missingSince reason settledAt } }
`);

const hub = checksOf('hub');
const backup = checksOf('restore');
const key = checksOf('key');

const answerMs = 5_000;

/** Holds what `/readyz` answers; a hub of the version before has all parts among the checks. */
const parts = z.record(z.string(), z.boolean());
const readiness = z.object({ checks: parts, optional: parts.default({}) });

/** A subscription as the checks of targets need it. */
export type TargetView = DoctorTargetsQuery['dataSubscriptions'][number];

/** Holds what a hub that answers says of itself. */
export interface HubFindings {
  /** Says where it was asked. */
  readonly url: string;
  readonly checks: Check[];
  /** True when anything answers at the address. */
  readonly answers: boolean;
  /** Null where the key may not see them. */
  readonly subscriptions: readonly TargetView[] | null;
}

/** Asks the hub at the address how it is, and what it sends to whom. */
export async function checkHub(options: ClientOptions): Promise<HubFindings> {
  const { url } = createClient(options);
  const health = await checkHealth(url);
  if (!health.answers) return { ...health, url, subscriptions: null };
  const access = await checkKey(options);
  return {
    answers: true,
    url,
    checks: [...health.checks, access.check, ...(await checkRestores(options))],
    subscriptions: access.subscriptions,
  };
}

async function checkHealth(url: string): Promise<{ checks: Check[]; answers: boolean }> {
  const askedAt = systemClock.now();
  let response: Response;
  try {
    response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(answerMs) });
  } catch {
    return {
      checks: [
        hub.warn(
          `none answers at ${url}`,
          'Start it with `hub start`, or say where it is with --url or HUB_URL.',
        ),
      ],
      answers: false,
    };
  }
  const answeredAt = systemClock.now();
  const body = await response.json().catch(() => null);
  const said = readiness.safeParse(body);
  if (!said.success)
    return {
      checks: [
        hub.fail(`what answers at ${url} is no hub (HTTP ${response.status})`, 'Correct --url or HUB_URL.'),
      ],
      answers: true,
    };
  const failing = failingOf(said.data.checks);
  const missing = failingOf(said.data.optional);
  const ready =
    failing.length === 0
      ? hub.ok(`ready at ${url}`)
      : hub.fail(`at ${url} not ready: ${failing.join(', ')}`, 'Its log says why.');
  // The header counts whole seconds, cut off: on average half a second has passed since.
  const hubMs = Date.parse(response.headers.get('date') ?? '') + 500;
  const skew = Number.isNaN(hubMs)
    ? []
    : [skewCheck("the hub's clock", hubMs - (askedAt + answeredAt) / 2, 500 + (answeredAt - askedAt) / 2)];
  const slower =
    missing.length === 0
      ? []
      : [
          hub.warn(
            `at ${url} works without: ${missing.join(', ')}`,
            'Events are delivered all the same, a moment later. Its log says why.',
          ),
        ];
  return { checks: [ready, ...slower, ...skew], answers: true };
}

function failingOf(parts: Readonly<Record<string, boolean>>): string[] {
  return Object.keys(parts).filter(part => parts[part] !== true);
}

async function checkKey(
  options: ClientOptions,
): Promise<{ check: Check; subscriptions: readonly TargetView[] | null }> {
  try {
    const { dataSubscriptions } = await createClient(options).request(targets, {});
    return {
      check: key.ok(`the hub takes the API key; it sees ${dataSubscriptions.length} subscriptions`),
      subscriptions: dataSubscriptions,
    };
  } catch (error) {
    return { check: keyFault(error, hasKey(options)), subscriptions: null };
  }
}

function keyFault(error: unknown, wasGiven: boolean): Check {
  if (!(error instanceof RefusedError)) return hub.fail(messageOf(error));
  if (error.code === 'UNAUTHENTICATED' && !wasGiven)
    return key.warn('none given, so subscriptions were not looked at', 'Give --key or set HUB_KEY.');
  if (error.code === 'FORBIDDEN')
    return key.warn(
      'good, but it may not see subscriptions, so targets were not looked at',
      'Use an admin, analyst or subscriber key.',
    );
  return key.fail(error.message);
}

/** Nothing is said where there was no restore, or the key may not see them. */
async function checkRestores(options: ClientOptions): Promise<Check[]> {
  const { databaseRestores } = await createClient(options)
    .request(restores, {})
    .catch(() => ({ databaseRestores: [] }));
  const open = databaseRestores.filter(({ settledAt }) => settledAt === null);
  const latest = databaseRestores[0];
  if (latest === undefined) return [];
  if (open.length === 0)
    return [backup.ok(`the restore noticed at ${shownTime(latest.noticedAt)} (${latest.reason}) is settled`)];
  const since = open.map(({ missingSince }) => missingSince).toSorted()[0];
  const from = since === undefined ? 'the backup' : shownTime(since);
  return [
    backup.fail(
      `the database is an older copy (${latest.reason}): what was recorded from ${from} until ${shownTime(latest.noticedAt)} may be missing`,
      'Let every publisher repeat that time (nothing is recorded twice), run hub check for each subscription, then hub restored --done.',
    ),
  ];
}
