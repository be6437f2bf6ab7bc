import { createHmac } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import { type AlertMessages, type AlertNotice, pack } from '../alerts/messages.ts';
import type { Channel } from './channel.ts';
import { checkAnswer, type HttpPost } from './http-post.ts';
import { markdownBlock } from './markdown.ts';

/** Holds what a robot of a chat works with. */
export interface RobotDeps {
  readonly post: HttpPost;
  readonly messages: AlertMessages;
  readonly clock: Pick<Clock, 'now'>;
}

/** A robot's address and the secret that signs, both opened. */
export interface RobotKeys {
  readonly url: string;
  readonly secret: string | undefined;
}

/** Holds what differs between the robots. */
interface RobotKind {
  /** Bytes of one message's text. */
  readonly maxBytes: number;
  readonly spacingMs: number;
  /** Fields of the answer that carry code and words. */
  readonly answer: readonly [string, string];
  /** The request for one text. */
  requestOf(
    keys: RobotKeys,
    message: { readonly title: string; readonly text: string; readonly now: number; readonly color: string },
  ): { readonly url: string; readonly body: unknown };
}

/**
 * WeCom's group robot: Markdown of at most 4,096 bytes, at most 20 messages a minute.
 * Source: developer.work.weixin.qq.com/document/path/91770
 */
const wecom: RobotKind = {
  maxBytes: 4_096,
  spacingMs: 15_000,
  answer: ['errcode', 'errmsg'],
  requestOf: ({ url }, { text }) => ({ url, body: { msgtype: 'markdown', markdown: { content: text } } }),
};

/**
 * DingTalk's custom robot: at most 20 messages a minute (beyond it, it is blocked for ten). Signed by
 * `timestamp\nsecret` under HMAC-SHA256, base64, with the time in milliseconds; both go into the query.
 * Source: open.dingtalk.com/document/robots/customize-robot-security-settings
 */
const dingtalk: RobotKind = {
  maxBytes: 16_000,
  spacingMs: 15_000,
  answer: ['errcode', 'errmsg'],
  requestOf: ({ url, secret }, { title, text, now }) => {
    const signed = new URL(url);
    if (secret !== undefined) {
      signed.searchParams.set('timestamp', String(now));
      signed.searchParams.set(
        'sign',
        createHmac('sha256', secret).update(`${now}\n${secret}`).digest('base64'),
      );
    }
    // A single line break is none in its Markdown.
    const body = { msgtype: 'markdown', markdown: { title, text: text.replaceAll('\n', '\n\n') } };
    return { url: signed.href, body };
  },
};

/**
 * Feishu's custom robot: a request of at most 20 KB, 100 a minute and 5 a second. Signed by an empty text under
 * HMAC-SHA256 with the key `timestamp\nsecret`, base64, with the time in seconds; both go into the body.
 * Source: open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
 */
const feishu: RobotKind = {
  maxBytes: 12_000,
  spacingMs: 5_000,
  answer: ['code', 'msg'],
  requestOf: ({ url, secret }, { title, text, now, color }) => {
    const timestamp = String(Math.floor(now / 1_000));
    const sign =
      secret === undefined
        ? {}
        : { timestamp, sign: createHmac('sha256', `${timestamp}\n${secret}`).update('').digest('base64') };
    const card = {
      header: { template: color, title: { tag: 'plain_text', content: title } },
      elements: [{ tag: 'div', text: { tag: 'lark_md', content: text } }],
    };
    return { url, body: { ...sign, msg_type: 'interactive', card } };
  },
};

const kinds = { wecom, dingtalk, feishu };
const colors = { critical: 'red', warning: 'orange', info: 'blue' };

/** A robot of a chat group. */
export class RobotChannel implements Channel {
  readonly name: string;
  readonly spacingMs: number;
  readonly #kind: RobotKind;
  readonly #keys: RobotKeys;
  readonly #deps: RobotDeps;

  constructor(name: string, kind: keyof typeof kinds, keys: RobotKeys, deps: RobotDeps) {
    this.name = name;
    this.#kind = kinds[kind];
    this.spacingMs = this.#kind.spacingMs;
    this.#keys = keys;
    this.#deps = deps;
  }

  async send(notices: readonly AlertNotice[], signal: AbortSignal): Promise<void> {
    const { messages, post, clock } = this.#deps;
    const sections = messages.sections(notices);
    const blocks = sections.map(section => markdownBlock(section, messages.words.open));
    const texts = pack(blocks, {
      maxBytes: this.#kind.maxBytes,
      most: limits.messagesAtOnce,
      more: count => messages.words.more(count),
    });
    const title = messages.title(notices).slice(0, 100);
    const [first] = sections;
    const color = first === undefined || first.kind === 'resolved' ? 'green' : colors[first.severity];
    for (const text of texts) {
      const { url, body } = this.#kind.requestOf(this.#keys, { title, text, now: clock.now(), color });
      const [code, words] = this.#kind.answer;
      checkAnswer(await post.json(url, JSON.stringify(body), { signal }), code, words);
    }
  }
}
