import { Agent, request } from 'undici';
import { legible, textOf } from '../../core/answer-text.ts';
import { errorCodeOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { printable } from '../../core/printable.ts';
import { ChannelError } from './channel.ts';

/** A provider's answer. */
export interface PostAnswer {
  readonly status: number;
  /** The first part of it. */
  readonly text: string;
}

/** Posts messages to providers; shared by all channels, and closed with them. */
export class HttpPost implements AsyncDisposable {
  readonly #agent = new Agent({
    connect: { timeout: limits.channelTimeoutMs },
    headersTimeout: limits.channelTimeoutMs,
    bodyTimeout: limits.channelTimeoutMs,
  });

  /**
   * Posts JSON; follows no redirect.
   * @throws ChannelError with the code of what went wrong, without the address: it may hold a key
   */
  json(
    url: string,
    body: string,
    options: { headers?: Record<string, string>; signal: AbortSignal },
  ): Promise<PostAnswer> {
    return this.#post(url, body, {
      ...options,
      headers: { 'content-type': 'application/json; charset=utf-8', ...options.headers },
    });
  }

  /** Posts a form; otherwise as `json`. @throws ChannelError */
  form(url: string, params: URLSearchParams, signal: AbortSignal): Promise<PostAnswer> {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    return this.#post(url, params.toString(), { headers, signal });
  }

  async #post(
    url: string,
    body: string,
    options: { headers: Record<string, string>; signal: AbortSignal },
  ): Promise<PostAnswer> {
    try {
      const response = await request(url, {
        method: 'POST',
        headers: options.headers,
        body,
        signal: AbortSignal.any([options.signal, AbortSignal.timeout(limits.channelTimeoutMs)]),
        dispatcher: this.#agent,
      });
      const bytes: Buffer[] = [];
      let size = 0;
      for await (const chunk of response.body) {
        const part = Buffer.from(chunk);
        bytes.push(part);
        size += part.length;
        if (size > limits.channelAnswerBytes) break;
      }
      const { 'content-type': type, 'content-encoding': encoding } = response.headers;
      const text = textOf({
        bytes: Buffer.concat(bytes),
        contentType: [type].flat()[0] ?? null,
        contentEncoding: [encoding].flat()[0] ?? null,
      });
      return { status: response.statusCode, text: withoutAddress(text, new URL(url)) };
    } catch (error) {
      const cause = error instanceof Error && error.name === 'TimeoutError' ? 'no answer in time' : undefined;
      // Its own message would quote the address.
      throw new ChannelError(cause ?? `not reached: ${errorCodeOf(error) ?? 'unknown fault'}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

/** A 2xx whose JSON answer says by a field that all is well. @throws ChannelError that quotes the provider's code and words */
export function checkAnswer(answer: PostAnswer, codeField: string, textField: string): void {
  const parsed = jsonObject(answer.text);
  const code = parsed[codeField];
  if (answer.status >= 200 && answer.status < 300 && code === 0) return;
  if (code === undefined) throw new ChannelError(quoted(answer));
  const said =
    typeof parsed[textField] === 'string' ? parsed[textField].slice(0, limits.channelAnswerChars) : '';
  throw new ChannelError(`HTTP ${answer.status}, ${codeField} ${JSON.stringify(code)}: ${said}`);
}

/** An answer that is not the provider's usual form, such as the page of a proxy, with its first words on one line. */
export function quoted({ status, text }: PostAnswer): string {
  const words = printable(legible(text).replaceAll(/\s+/g, ' ').trim(), limits.channelAnswerChars);
  return words === '' ? `HTTP ${status}` : `HTTP ${status}, answered: ${words}`;
}

/** The object that a JSON answer is; empty for any other answer. */
export function jsonObject(text: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

/** Some error pages repeat the address that was asked for, and an address may hold a key. */
function withoutAddress(text: string, { href, pathname, search }: URL): string {
  const parts = [href, `${pathname}${search}`, search].filter(part => part.length > 1);
  return parts.reduce((rest, part) => rest.replaceAll(part, '…'), text);
}
