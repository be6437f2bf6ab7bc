import { readFile } from 'node:fs/promises';
import type { Clock } from '../../core/clock.ts';
import { HubError } from '../../core/errors.ts';
import type { AlertMessages } from '../alerts/messages.ts';
import { aliyunSms, aliyunVoice } from './aliyun.ts';
import type { Channel } from './channel.ts';
import type { ChannelSettings } from './channel-settings.ts';
import { EmailChannel } from './email.ts';
import { SlackChannel, WebhookChannel } from './hooks.ts';
import { HttpPost } from './http-post.ts';
import { RobotChannel } from './robots.ts';

/** Looks up what a reference (`${VARIABLE}`, `file:/path`) stands for. */
export type OpenReference = (reference: string) => Promise<string>;

/**
 * Opens references from an environment and the file system. @throws HubError BAD_USER_INPUT that names the reference,
 * not the value
 */
export function referencesIn(env: Readonly<Record<string, string | undefined>>): OpenReference {
  return async reference => {
    const variable = variableIn(reference);
    const value =
      variable === undefined
        ? await readFile(reference.slice('file:'.length), 'utf8').catch(() => '')
        : (env[variable] ?? '');
    if (value.trim() === '')
      throw new HubError(
        'BAD_USER_INPUT',
        `The alerts file names ${reference}, which is empty or not there.`,
      );
    return value.trim();
  };
}

/** The channels of an alerts file; dispose of them to close their connections. */
export interface OpenChannels extends AsyncDisposable {
  readonly byName: ReadonlyMap<string, Channel>;
}

/** Opens every channel with its secrets. @throws HubError BAD_USER_INPUT where a secret is not there */
export async function openChannels(
  settings: readonly ChannelSettings[],
  deps: {
    readonly open: OpenReference;
    readonly messages: AlertMessages;
    readonly clock: Pick<Clock, 'now'>;
  },
): Promise<OpenChannels> {
  const post = new HttpPost();
  const byName = new Map<string, Channel>();
  for (const one of settings) byName.set(one.name, await openChannel(one, { ...deps, post }));
  return { byName, [Symbol.asyncDispose]: () => post[Symbol.asyncDispose]() };
}

type OpenDeps = Parameters<typeof openChannels>[1] & { readonly post: HttpPost };

async function openChannel(settings: ChannelSettings, deps: OpenDeps): Promise<Channel> {
  const { open, messages } = deps;
  const optional = async (reference: string | undefined) =>
    reference === undefined ? undefined : open(reference);
  switch (settings.type) {
    case 'wecom':
      return new RobotChannel(
        settings.name,
        'wecom',
        { url: await openUrl(settings.url, open), secret: undefined },
        deps,
      );
    case 'dingtalk':
    case 'feishu': {
      const keys = { url: await openUrl(settings.url, open), secret: await optional(settings.secret) };
      return new RobotChannel(settings.name, settings.type, keys, deps);
    }
    case 'slack':
      return new SlackChannel(settings.name, await openUrl(settings.url, open), deps);
    case 'webhook':
      return new WebhookChannel(
        settings.name,
        { url: settings.url, secret: await open(settings.secret) },
        deps,
      );
    case 'email':
      return new EmailChannel(
        settings,
        { password: await optional(settings.password), ca: await optional(settings.ca) },
        messages,
      );
    case 'aliyun-sms':
      return aliyunSms(settings, await openKeys(settings, open), deps);
    case 'aliyun-voice':
      return aliyunVoice(settings, await openKeys(settings, open), deps);
  }
}

async function openUrl(reference: string, open: OpenReference): Promise<string> {
  const url = await open(reference);
  if (!isHttpUrl(url))
    throw new HubError(
      'BAD_USER_INPUT',
      `The alerts file names ${reference}, which holds no http(s) address.`,
    );
  return url;
}

function isHttpUrl(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '');
}

async function openKeys(
  settings: { readonly accessKeyId: string; readonly accessKeySecret: string },
  open: OpenReference,
) {
  return {
    accessKeyId: await open(settings.accessKeyId),
    accessKeySecret: await open(settings.accessKeySecret),
  };
}

/** References of an alerts file that stand for nothing here. */
export async function missingReferences(
  settings: readonly ChannelSettings[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const open = referencesIn(env);
  const missing: string[] = [];
  for (const reference of referencesOf(settings))
    if ((await open(reference).catch(() => null)) === null) missing.push(reference);
  return missing;
}

/**
 * References of an alerts file that stand for something here, and not for the address that they should be:
 * `channels.slack.url: ${SLACK} holds no http(s) address`. A reference that stands for nothing is none of them.
 */
export async function unfitReferences(
  settings: readonly ChannelSettings[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string[]> {
  const open = referencesIn(env);
  const unfit: string[] = [];
  for (const one of settings) {
    if (!('url' in one) || !referencesOf([one]).has(one.url)) continue;
    const url = await open(one.url).catch(() => null);
    if (url !== null && !isHttpUrl(url))
      unfit.push(`channels.${one.name}.url: ${one.url} holds no http(s) address`);
  }
  return unfit;
}

/** Names of the variables that an alerts file refers to. */
export function variablesOf(settings: readonly ChannelSettings[]): string[] {
  return [...referencesOf(settings)].flatMap(reference => variableIn(reference) ?? []);
}

function referencesOf(settings: readonly ChannelSettings[]): Set<string> {
  const values = settings.flatMap((one): unknown[] => Object.values(one));
  return new Set(
    values.filter(value => typeof value === 'string').filter(value => /^(\$\{.+\}|file:.+)$/.test(value)),
  );
}

/** Undefined: it names a file. */
function variableIn(reference: string): string | undefined {
  return /^\$\{(.+)\}$/.exec(reference)?.[1];
}
