import { badInput } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { compensationIsNoChoice, type RetryPolicy, type SyncMode } from '../../core/model.ts';
import { shownValue } from '../../core/shown-value.ts';
import { checkTargetUrl } from '../webhook/guard.ts';

/** Holds what settings are checked against, beside the limits. */
export interface SettingRules {
  /** The names in the catalogue. */
  readonly eventTypes: ReadonlySet<string>;
  /** Gives what is wrong with a payload query; null: nothing. */
  readonly payloadFaultOf: (query: string) => string | null;
  /** Gives what is wrong with a cron pattern; null: nothing. */
  readonly cronFaultOf: (pattern: string) => string | null;
}

/** A subscription's settings as they are given: null clears a field that may be empty; undefined leaves it as it is. */
export interface SubscriptionChanges {
  name?: string | null;
  eventTypes?: string[] | null;
  sourceSystems?: string[] | null;
  companyIds?: string[] | null;
  mode?: SyncMode | null;
  batchCron?: string | null;
  webhookUrl?: string | null;
  consistencyUrl?: string | null;
  autoFix?: boolean | null;
  batchSize?: number | null;
  batchMaxBytes?: number | null;
  maxInFlight?: number | null;
  shards?: number | null;
  rateLimitPerSecond?: number | null;
  timeoutMs?: number | null;
  ackTimeoutMs?: number | null;
  payloadQuery?: string | null;
  retry?: { [Key in keyof RetryPolicy]?: number | null } | null;
}

/** The columns that changes come to. */
export type SubscriptionColumns = Record<string, string | number | boolean | string[] | null>;

/** The retry policy where none is given: 1 s, 2 s, 4 s, with up to 10 % added at random. */
export const defaultRetry: RetryPolicy = {
  maxRetries: 3,
  baseDelayMs: 1_000,
  maxDelayMs: 600_000,
  jitter: 0.1,
};

const pattern = /^([A-Za-z0-9_.:-]+\*?|\*)$/;

/**
 * Checks changes of a subscription and turns them into columns.
 * @throws HubError BAD_USER_INPUT naming the field
 */
export function subscriptionColumns(changes: SubscriptionChanges, rules: SettingRules): SubscriptionColumns {
  const columns: SubscriptionColumns = {};
  if (changes.name !== undefined) columns.name = checkName('name', changes.name);
  if (changes.eventTypes !== undefined)
    columns.event_types = checkEventTypes(changes.eventTypes, rules.eventTypes);
  if (changes.sourceSystems !== undefined)
    columns.source_systems = checkList('sourceSystems', changes.sourceSystems);
  if (changes.companyIds !== undefined) columns.company_ids = checkList('companyIds', changes.companyIds);
  if (changes.mode !== undefined) columns.mode = checkMode(changes.mode);
  if (changes.batchCron !== undefined) columns.batch_cron = checkCron(changes.batchCron, rules);
  if (changes.webhookUrl !== undefined) {
    columns.webhook_url = checkUrl('webhookUrl', changes.webhookUrl);
    // What the target before asked for is not the new one's word.
    Object.assign(columns, { held_until: null, held_since: null, pace_per_second: null });
  }
  if (changes.consistencyUrl !== undefined)
    columns.consistency_url = checkUrl('consistencyUrl', changes.consistencyUrl);
  if (changes.autoFix !== undefined) columns.auto_fix = changes.autoFix ?? false;
  if (changes.rateLimitPerSecond !== undefined) {
    columns.rate_limit_per_second =
      changes.rateLimitPerSecond === null
        ? null
        : checkRange('rateLimitPerSecond', changes.rateLimitPerSecond, 1, limits.rateLimitPerSecond);
  }
  if (changes.batchSize !== undefined)
    columns.batch_size = checkRange('batchSize', changes.batchSize, 1, limits.batchSize);
  if (changes.batchMaxBytes !== undefined)
    columns.batch_max_bytes = checkRange(
      'batchMaxBytes',
      changes.batchMaxBytes,
      limits.batchBytesMin,
      limits.batchBytesMax,
    );
  if (changes.maxInFlight !== undefined)
    columns.max_in_flight = checkRange('maxInFlight', changes.maxInFlight, 1, limits.maxInFlight);
  if (changes.shards !== undefined) columns.lanes = checkRange('shards', changes.shards, 1, limits.shards);
  if (changes.timeoutMs !== undefined)
    columns.timeout_ms = checkRange('timeoutMs', changes.timeoutMs, limits.timeoutMinMs, limits.timeoutMaxMs);
  if (changes.ackTimeoutMs !== undefined)
    columns.ack_timeout_ms = checkRange(
      'ackTimeoutMs',
      changes.ackTimeoutMs,
      limits.timeoutMinMs,
      limits.ackTimeoutMaxMs,
    );
  if (changes.payloadQuery !== undefined)
    columns.payload_query = checkPayloadQuery(changes.payloadQuery, rules);
  if (changes.retry !== undefined) Object.assign(columns, retryColumns(changes.retry ?? {}));
  return columns;
}

/** @throws HubError BAD_USER_INPUT for COMPENSATION, which is no way that a subscription can choose */
function checkMode(mode: SyncMode | null): SyncMode | null {
  if (mode === 'compensation') throw badInput('mode', `mode: ${compensationIsNoChoice}`);
  return mode;
}

/** @throws HubError BAD_USER_INPUT unless it is 1 to `limits.shortText` characters */
export function checkName(field: string, name: string | null): string {
  const text = name?.trim() ?? '';
  if (text === '' || text.length > limits.shortText)
    throw badInput(field, `${field}: 1 to ${limits.shortText} characters.`);
  if (text.includes('\0') || !text.isWellFormed())
    throw badInput(field, `${field}: holds characters that can't be stored.`);
  return text;
}

/**
 * A secret that a caller chose: `whsec_` and base64 of 24 to 64 bytes (Standard Webhooks), or any 16 to 200
 * printable ASCII characters.
 * @throws HubError BAD_USER_INPUT
 */
export function checkSecret(secret: string): string {
  if (!/^[\x21-\x7e]{16,200}$/.test(secret)) {
    throw badInput(
      'secret',
      'secret: 16 to 200 printable ASCII characters without spaces; left out, one is made.',
    );
  }
  if (!secret.startsWith('whsec_')) return secret;
  const base64 = secret.slice('whsec_'.length);
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64 || bytes.length < 24 || bytes.length > 64) {
    throw badInput('secret', 'secret: after whsec_ comes base64 of 24 to 64 bytes.');
  }
  return secret;
}

function retryColumns(retry: NonNullable<SubscriptionChanges['retry']>): SubscriptionColumns {
  const maxRetries = retry.maxRetries ?? defaultRetry.maxRetries;
  const baseDelayMs = retry.baseDelayMs ?? defaultRetry.baseDelayMs;
  const maxDelayMs = retry.maxDelayMs ?? defaultRetry.maxDelayMs;
  const jitter = retry.jitter ?? defaultRetry.jitter;
  if (jitter < 0 || jitter > 1) throw badInput('retry.jitter', 'retry.jitter: 0 to 1.');
  return {
    max_retries: checkRange('retry.maxRetries', maxRetries, 0, limits.maxRetries),
    base_delay_ms: checkRange('retry.baseDelayMs', baseDelayMs, 1, limits.delayMaxMs),
    max_delay_ms: checkRange('retry.maxDelayMs', maxDelayMs, 1, limits.delayMaxMs),
    jitter,
  };
}

function checkEventTypes(types: string[] | null, known: ReadonlySet<string>): string[] {
  if (types === null || types.length === 0 || types.length > limits.eventTypePatterns) {
    throw badInput('eventTypes', `eventTypes: 1 to ${limits.eventTypePatterns} names; * for all.`);
  }
  for (const type of types) {
    if (!pattern.test(type))
      throw badInput(
        'eventTypes',
        `eventTypes: ${shownValue(type)} is no name, prefix with a star (invoice_*), or *.`,
      );
    if (!type.endsWith('*') && !known.has(type)) {
      throw badInput(
        'eventTypes',
        `eventTypes: ${shownValue(type)} is not in the catalogue (${[...known].slice(0, 20).join(', ')}).`,
      );
    }
  }
  return types;
}

function checkList(field: string, values: string[] | null): string[] | null {
  if (values === null) return null;
  if (values.length === 0 || values.length > 1_000)
    throw badInput(field, `${field}: 1 to 1000 entries; null for all.`);
  return values.map(value => checkName(field, value));
}

function checkUrl(field: string, url: string | null): string | null {
  if (url === null) return null;
  const fault = checkTargetUrl(url);
  if (fault !== null) throw badInput(field, `${field}: ${fault}`);
  return url;
}

function checkPayloadQuery(query: string | null, rules: SettingRules): string | null {
  const fault = query === null ? null : rules.payloadFaultOf(query);
  if (fault !== null) throw badInput('payloadQuery', `payloadQuery: ${fault}`);
  return query;
}

function checkCron(pattern: string | null, rules: SettingRules): string | null {
  const fault = pattern === null ? null : rules.cronFaultOf(pattern);
  if (fault !== null) throw badInput('batchCron', `batchCron: ${fault}`);
  return pattern;
}

function checkRange(field: string, value: number | null, min: number, max: number): number {
  if (value === null || value < min || value > max) throw badInput(field, `${field}: ${min} to ${max}.`);
  return value;
}
