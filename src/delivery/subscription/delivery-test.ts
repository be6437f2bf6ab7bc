import { randomUUID } from 'node:crypto';
import { pythonJson } from '@voucher-hub/client/wire';
import type { Vault } from '../../access/vault.ts';
import type { Clock } from '../../core/clock.ts';
import { badInput, HubError } from '../../core/errors.ts';
import { covers } from '../../core/event-pattern.ts';
import { shownValue } from '../../core/shown-value.ts';
import type { Database } from '../../db/database.ts';
import { readDeliverySettings } from '../../db/delivery/shard-statements.ts';
import type { SubscriptionRow } from '../../db/entities.ts';
import { openDeliverySettings } from '../drain/delivery-settings.ts';
import { isStandardSecret } from '../webhook/sign.ts';
import type { WebhookTransport } from '../webhook/webhook-transport.ts';

/** Holds what a test request came to. */
export interface DeliveryTestResult {
  readonly ok: boolean;
  readonly statusCode: number | null;
  readonly latencyMs: number;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

/** Holds what a tester works with. */
interface DeliveryTesterDeps {
  readonly db: Database;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly transport: WebhookTransport;
  /** Why a URL will not be reached; null: nothing is known. */
  readonly foreseeTarget: (url: string) => Promise<string | null>;
}

/** Posts a signed `hub.test` event to a subscription's webhook. It carries no voucher and leaves no sync log. */
export class DeliveryTester {
  readonly #deps: DeliveryTesterDeps;

  constructor(deps: DeliveryTesterDeps) {
    this.#deps = deps;
  }

  /**
   * Gives what will keep events from a subscription, each with the field that it stands in: addresses that the hub will not
   * reach, patterns that cover nothing, a secret that consumers' libraries read otherwise. Sends nothing.
   */
  async foresee({ id, webhookUrl, consistencyUrl, eventTypes }: SubscriptionRow): Promise<string[]> {
    const told = async (field: string, url: string | null | undefined) => {
      const fault = url == null ? null : await this.#deps.foreseeTarget(url);
      return fault === null ? [] : [`${field}: ${fault}`];
    };
    // Mostly both are one address: said once.
    const other = consistencyUrl === webhookUrl ? null : consistencyUrl;
    const faults = [
      told('webhookUrl', webhookUrl),
      told('consistencyUrl', other),
      this.#idlePatterns(eventTypes),
      this.#unusualSecret(id, webhookUrl ?? null),
    ];
    return (await Promise.all(faults)).flat();
  }

  async #unusualSecret(id: string, webhookUrl: string | null): Promise<string[]> {
    const { db, vault } = this.#deps;
    if (webhookUrl === null) return [];
    const row = await readDeliverySettings(db.pool, id);
    if (row === undefined) return [];
    const { current, next } = openDeliverySettings(row, vault).secrets;
    return isStandardSecret(next ?? current)
      ? []
      : [
          'secret: it does not begin with whsec_, so the public Standard Webhooks libraries do not verify webhook-signature with it. Verify X-Signature, or rotate to a secret that the hub makes.',
        ];
  }

  /** A star may wait for types that are still to come, so it is no fault; a slip of the pen looks the same. */
  async #idlePatterns(patterns: readonly string[]): Promise<string[]> {
    const { rows } = await this.#deps.db.pool.query<{ name: string }>('select name from event_types');
    return patterns
      .filter(pattern => !rows.some(({ name }) => covers(pattern, name)))
      .map(pattern => `eventTypes: ${pattern} covers no event type of the catalogue by now.`);
  }

  /** @throws HubError NOT_FOUND, BAD_USER_INPUT when the subscription has no webhook */
  async test(subscriptionId: string): Promise<DeliveryTestResult> {
    const { db, vault, clock, transport } = this.#deps;
    const row = await readDeliverySettings(db.pool, subscriptionId);
    if (row === undefined)
      throw new HubError('NOT_FOUND', `There is no subscription ${shownValue(subscriptionId)}.`);
    if (row.webhookUrl === null)
      throw badInput(
        'id',
        `id: subscription ${subscriptionId} has no webhookUrl, so there is nothing to post to. Its consumer attaches by itself: \`hub subscriptions list\` shows whether one is attached, and \`hub listen --subscription ${subscriptionId}\` attaches one to try.`,
      );
    const occurredAt = new Date(clock.now()).toISOString();
    const body = pythonJson({
      event: 'hub.test',
      data: {},
      mode: 'realtime',
      occurred_at: occurredAt,
      event_id: 0,
      sync_id: 0,
      voucher_id: 0,
      voucher: {},
    });
    const result = await transport.post(openDeliverySettings(row, vault), {
      body: Buffer.from(body, 'latin1'),
      webhookId: `test_${randomUUID()}`,
      sourceSystem: 'hub',
      wantBody: false,
    });
    return {
      ok: result.verdict === 'accepted',
      statusCode: result.statusCode,
      latencyMs: Math.round(result.durationMs),
      errorCode: result.errorCode,
      errorMessage: result.errorMessage,
    };
  }
}
