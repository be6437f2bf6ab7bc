import { createTransport } from 'nodemailer';
import { errorCodeOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { AlertMessages, AlertNotice } from '../alerts/messages.ts';
import { type Channel, ChannelError } from './channel.ts';
import type { SettingsOf } from './channel-settings.ts';
import { plainBlock } from './markdown.ts';

/** E-mail over SMTP, by TLS from the start or by STARTTLS, never without. */
export class EmailChannel implements Channel {
  readonly name: string;
  readonly spacingMs = 30_000;
  readonly #settings: SettingsOf<'email'>;
  readonly #messages: AlertMessages;
  readonly #keys: { readonly password: string | undefined; readonly ca: string | undefined };

  constructor(
    settings: SettingsOf<'email'>,
    keys: { readonly password: string | undefined; readonly ca: string | undefined },
    messages: AlertMessages,
  ) {
    this.name = settings.name;
    this.#settings = settings;
    this.#keys = keys;
    this.#messages = messages;
  }

  async send(notices: readonly AlertNotice[], signal: AbortSignal): Promise<void> {
    const { from, to } = this.#settings;
    const sections = this.#messages.sections(notices);
    const transport = this.#open();
    const cancel = () => transport.close();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      await transport.sendMail({
        from,
        to: [...to],
        subject: this.#messages.title(notices),
        text: `${sections.map(plainBlock).join('\n\n')}\n`,
        // Auto-replies to alerts help nobody.
        headers: { 'Auto-Submitted': 'auto-generated' },
        disableFileAccess: true,
        disableUrlAccess: true,
      });
    } catch (error) {
      throw new ChannelError(faultOf(error), { cause: undefined });
    } finally {
      signal.removeEventListener('abort', cancel);
      transport.close();
    }
  }

  #open() {
    const { host, port, security, user } = this.#settings;
    const { password, ca } = this.#keys;
    const isTls = security === 'tls';
    return createTransport({
      host,
      port: port ?? (isTls ? 465 : 587),
      secure: isTls,
      requireTLS: !isTls,
      ...(ca === undefined ? {} : { tls: { ca } }),
      ...(user === undefined ? {} : { auth: { user, pass: password ?? '' } }),
      connectionTimeout: limits.channelTimeoutMs,
      greetingTimeout: limits.channelTimeoutMs,
      socketTimeout: limits.channelTimeoutMs,
      logger: false,
    });
  }
}

/** The library's code and the server's number; the server's words may quote what was sent. */
function faultOf(error: unknown): string {
  const response =
    typeof error === 'object' && error !== null && 'responseCode' in error
      ? `, SMTP ${String(error.responseCode)}`
      : '';
  return `${errorCodeOf(error) ?? 'unknown fault'}${response}`;
}
