import type { Vault } from '../../access/vault.ts';
import type { AttemptResult, RetryPolicy, SigningSecrets, SubscriptionState } from '../../core/model.ts';
import type { ClaimedSync, DeliverySettingsRow } from '../../db/delivery/shard-statements.ts';

/** A subscription as delivery sees it, its secrets opened. Lives as long as a drain, and is never logged. */
export interface DeliverySettings {
  readonly id: string;
  readonly state: SubscriptionState;
  readonly webhookUrl: string | null;
  readonly batchSize: number;
  /** Bytes of a request with several events at most. */
  readonly batchMaxBytes: number;
  /** Requests under way at most, of this shard. */
  readonly maxInFlight: number;
  /** Shards of the subscription. */
  readonly shards: number;
  readonly rateLimitPerSecond: number | null;
  readonly timeoutMs: number;
  readonly ackTimeoutMs: number;
  /** True while a consumer is attached: its events go over the socket first. */
  readonly attached: boolean;
  readonly retry: RetryPolicy;
  /** Shapes `data`; null: the business data as it is. */
  readonly payloadQuery: string | null;
  readonly secrets: SigningSecrets;
}

/**
 * Gives one shard its share of what holds for the subscription as a whole: the windows of all shards add up to
 * `maxInFlight`, their rates to `rateLimitPerSecond`. @param shard null: the whole
 */
export function shareOf(settings: DeliverySettings, index: number | null): DeliverySettings {
  if (index === null) return settings;
  const { shards, maxInFlight, rateLimitPerSecond } = settings;
  return {
    ...settings,
    maxInFlight: Math.floor((maxInFlight + shards - 1 - index) / shards),
    rateLimitPerSecond: rateLimitPerSecond === null ? null : rateLimitPerSecond / shards,
  };
}

/** Carries claimed syncs to a consumer: one request, one result a sync, in order. Never rejects. */
export interface Transport {
  deliver(settings: DeliverySettings, syncs: readonly ClaimedSync[]): Promise<readonly AttemptResult[]>;
  /** Bytes that an event takes up in a request with several; left out: there are none such. */
  sizeOf?(settings: DeliverySettings, sync: ClaimedSync): number;
}

/** Gives what a sealed secret is bound to, so that it opens only in its own subscription. */
export function secretContext(subscriptionId: string): string {
  return `subscription:${subscriptionId}`;
}

/** Opens a subscription's secrets; once a rotation's overlap is over, the new one alone is in force. */
export function openDeliverySettings(row: DeliverySettingsRow, vault: Vault): DeliverySettings {
  const context = secretContext(row.id);
  const next = row.nextSecret === null ? null : vault.open(row.nextSecret, context);
  const secrets =
    next !== null && row.rotated
      ? { current: next, next: null }
      : { current: vault.open(row.secret, context), next };
  const { maxRetries, baseDelayMs, maxDelayMs, jitter } = row;
  return {
    id: row.id,
    state: row.state,
    webhookUrl: row.webhookUrl,
    batchSize: row.batchSize,
    batchMaxBytes: row.batchMaxBytes,
    maxInFlight: row.maxInFlight,
    shards: row.shards,
    rateLimitPerSecond: row.rateLimitPerSecond,
    timeoutMs: row.timeoutMs,
    ackTimeoutMs: row.ackTimeoutMs,
    attached: row.attached,
    retry: { maxRetries, baseDelayMs, maxDelayMs, jitter },
    payloadQuery: row.payloadQuery,
    secrets,
  };
}
