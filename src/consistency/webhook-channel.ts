import { randomUUID } from 'node:crypto';
import { pythonJson } from '@voucher-hub/client/wire';
import type { Vault } from '../access/vault.ts';
import { limits } from '../core/limits.ts';
import { printable } from '../core/printable.ts';
import type { Database } from '../db/database.ts';
import { readDeliverySettings } from '../db/delivery/shard-statements.ts';
import { type DeliverySettings, openDeliverySettings } from '../delivery/drain/delivery-settings.ts';
import type { BodyEnd, SendResult } from '../delivery/webhook/send.ts';
import type { WebhookTransport } from '../delivery/webhook/webhook-transport.ts';
import type { ConsistencyChannel, Question, Reply } from './conversation.ts';

/** Holds what it works with. */
export interface WebhookChannelDeps {
  readonly db: Database;
  readonly vault: Vault;
  readonly transport: Pick<WebhookTransport, 'post'>;
}

/** Asks at a subscription's `consistencyUrl`: signed, guarded and bounded like its webhook. */
export class ConsistencyWebhook implements ConsistencyChannel {
  readonly #deps: WebhookChannelDeps;
  readonly #subscriptionId: string;
  readonly #url: string;
  #settings: DeliverySettings | undefined;

  constructor(deps: WebhookChannelDeps, subscription: { id: string; url: string }) {
    this.#deps = deps;
    this.#subscriptionId = subscription.id;
    this.#url = subscription.url;
  }

  async ask(question: Question, signal: AbortSignal): Promise<Reply> {
    const settings = await this.#open();
    if (settings === undefined) return { fault: 'The subscription was deleted.', passing: false, bytes: 0 };
    const { event, filter, prefixes } = question;
    const text = pythonJson({ event, filter: { from: filter.from, to: filter.to }, prefixes: [...prefixes] });
    const body = Buffer.from(text, 'latin1');
    const result = await this.#deps.transport.post(settings, {
      url: this.#url,
      body,
      webhookId: `check_${randomUUID()}`,
      sourceSystem: 'hub',
      wantBody: true,
      answerBytes: limits.consistencyAnswerBytes,
      signal,
    });
    const bytes = body.length + Buffer.byteLength(result.body ?? '');
    return { ...replyOf(result), bytes };
  }

  async #open(): Promise<DeliverySettings | undefined> {
    if (this.#settings !== undefined) return this.#settings;
    const row = await readDeliverySettings(this.#deps.db.pool, this.#subscriptionId);
    if (row !== undefined) this.#settings = openDeliverySettings(row, this.#deps.vault);
    return this.#settings;
  }
}

const unfinished: Readonly<Record<Exclude<BodyEnd, 'whole'>, string>> = {
  long: `is longer than ${limits.consistencyAnswerBytes} bytes`,
  late: "did not come whole within the subscription's timeoutMs",
  cut: 'broke off: its connection was closed in the middle',
};

function replyOf(result: SendResult): { answer: unknown } | { fault: string; passing: boolean } {
  const { verdict, errorCode, errorMessage } = result;
  if (verdict !== 'accepted') {
    const passing = verdict === 'connect' || verdict === 'response' || verdict === 'busy';
    const said = printable(result.responseExcerpt ?? '', 200);
    const fault = `The consistencyUrl did not answer (${errorCode}): ${errorMessage}`;
    return { fault: said === '' ? fault : `${fault} It said: ${said}`, passing };
  }
  if (result.bodyEnd !== 'whole')
    return {
      fault: `The consistencyUrl's answer ${unfinished[result.bodyEnd]}.`,
      passing: result.bodyEnd === 'cut',
    };
  try {
    return { answer: JSON.parse(result.body ?? '') };
  } catch {
    return { fault: "The consistencyUrl's answer is no JSON.", passing: false };
  }
}
