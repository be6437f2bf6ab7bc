import { createHash, createHmac } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import { type AlertMessages, type AlertNotice, pack } from '../alerts/messages.ts';
import { type Channel, ChannelError } from './channel.ts';
import { type HttpPost, quoted } from './http-post.ts';
import { plainBlock } from './markdown.ts';

/** Holds what hooks work with. */
export interface HookDeps {
  readonly post: HttpPost;
  readonly messages: AlertMessages;
  readonly clock: Pick<Clock, 'now'>;
}

/**
 * A webhook of one's own: JSON, signed as the Standard Webhooks specification 1.0.0 says. A message that is sent again
 * has the same id, which is made of what it tells and since when: alerts from memory, and tests, have no id of their own.
 */
export class WebhookChannel implements Channel {
  readonly name: string;
  readonly spacingMs = 1_000;
  readonly #url: string;
  readonly #key: Buffer;
  readonly #deps: HookDeps;

  /** @param secret `whsec_` and base64, or any text, which is the key as it stands */
  constructor(name: string, { url, secret }: { url: string; secret: string }, deps: HookDeps) {
    this.name = name;
    this.#url = url;
    this.#key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
    this.#deps = deps;
  }

  async send(notices: readonly AlertNotice[], signal: AbortSignal): Promise<void> {
    const now = this.#deps.clock.now();
    const body = JSON.stringify({
      type: 'alerts',
      timestamp: new Date(now).toISOString(),
      data: notices.map(dataOf),
    });
    const named = notices
      .map(({ kind, alert }) => `${kind}:${alert.id}:${alert.severity}:${alert.threshold}:${alert.firedAt}`)
      .join(',');
    const id = `msg_${createHash('sha256').update(named).digest('hex').slice(0, 32)}`;
    const timestamp = String(Math.floor(now / 1_000));
    const signature = createHmac('sha256', this.#key).update(`${id}.${timestamp}.${body}`).digest('base64');
    const headers = {
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    };
    const answer = await this.#deps.post.json(this.#url, body, { headers, signal });
    if (answer.status < 200 || answer.status > 299) throw new ChannelError(quoted(answer));
  }
}

/** Holds what speaks Slack's incoming webhooks: Slack, Mattermost, Rocket.Chat … Source: api.slack.com/messaging/webhooks */
export class SlackChannel implements Channel {
  readonly name: string;
  readonly spacingMs = 5_000;
  readonly #url: string;
  readonly #deps: HookDeps;

  constructor(name: string, url: string, deps: HookDeps) {
    this.name = name;
    this.#url = url;
    this.#deps = deps;
  }

  async send(notices: readonly AlertNotice[], signal: AbortSignal): Promise<void> {
    const { messages, post } = this.#deps;
    // Of what it reads as markup, three characters must be escaped; the rest is left as it is.
    const escape = (text: string) =>
      text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    const texts = pack(messages.sections(notices).map(plainBlock).map(escape), {
      maxBytes: 8_000,
      most: limits.messagesAtOnce,
      more: count => messages.words.more(count),
    });
    for (const text of texts) {
      const answer = await post.json(this.#url, JSON.stringify({ text }), { signal });
      if (answer.status < 200 || answer.status > 299) throw new ChannelError(quoted(answer));
    }
  }
}

function dataOf({ kind, alert }: AlertNotice) {
  const { firedAt, resolvedAt, ...rest } = alert;
  return {
    kind,
    ...rest,
    fired_at: new Date(firedAt).toISOString(),
    resolved_at: resolvedAt === null ? null : new Date(resolvedAt).toISOString(),
  };
}
