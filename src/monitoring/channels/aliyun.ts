import { errorCodeOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { Messages } from '../messages.ts';
import { type Channel, ChannelError } from './channel.ts';
import type { SettingsOf } from './channel-settings.ts';

/** The key that signs, opened. */
export interface AliyunKeys {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** A number gets one message a minute at most by the provider's own limits (isv.BUSINESS_LIMIT_CONTROL). */
const spacingMs = 60_000;

/** SMS by Aliyun (SendSms of Dysmsapi 2017-05-25): one message to all numbers, by a template with the variables of `ShortMessage`. */
export function aliyunSms(settings: SettingsOf<'aliyun-sms'>, keys: AliyunKeys, messages: Messages): Channel {
  const { name, endpoint = 'https://dysmsapi.aliyuncs.com', phones, signName, templateCode } = settings;
  return {
    name,
    spacingMs,
    send: notices =>
      call({ keys, endpoint }, 'SendSms', {
        PhoneNumbers: phones.join(','),
        SignName: signName,
        TemplateCode: templateCode,
        TemplateParam: templateParam(messages.short(notices)),
      }),
  };
}

/** A telephone call by Aliyun (SingleCallByTts of Dyvmsapi 2017-05-25) to each number, which reads a template twice. */
export function aliyunVoice(
  settings: SettingsOf<'aliyun-voice'>,
  keys: AliyunKeys,
  messages: Messages,
): Channel {
  const { name, endpoint = 'https://dyvmsapi.aliyuncs.com', phones, templateCode, shownNumber } = settings;
  return {
    name,
    spacingMs,
    async send(notices) {
      const param = templateParam(messages.short(notices));
      const calls = phones.map(phone =>
        call({ keys, endpoint }, 'SingleCallByTts', {
          CalledNumber: phone,
          TtsCode: templateCode,
          TtsParam: param,
          PlayTimes: 2,
          ...(shownNumber === undefined ? {} : { CalledShowNumber: shownNumber }),
        }),
      );
      // One number that can't be called must not make the others ring again: it is enough that one rang.
      const results = await Promise.allSettled(calls);
      const failed = results.find(result => result.status === 'rejected');
      if (failed !== undefined && results.every(result => result.status === 'rejected')) throw failed.reason;
    },
  };
}

/** One request by the provider's own client. @throws ChannelError with the provider's code */
async function call(
  { keys, endpoint }: { keys: AliyunKeys; endpoint: string },
  action: string,
  params: Record<string, string | number>,
): Promise<void> {
  // Loaded when first needed: most hubs have no such channel.
  const { default: RPCClient } = await import('@alicloud/pop-core');
  const client = new RPCClient({ ...keys, endpoint, apiVersion: '2017-05-25' });
  try {
    // It throws for any answer whose Code is not OK.
    await client.request(action, params, { method: 'POST', timeout: limits.channelTimeoutMs });
  } catch (error) {
    // Its own message and fields hold the signed request.
    throw new ChannelError(
      `${action}: ${errorCodeOf(error) ?? (error instanceof Error ? error.name : 'unknown fault')}`,
    );
  }
}

/** Variables of a template may be 35 characters long. */
function templateParam(short: object): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(short).map(([name, value]) => [name, String(value).slice(0, 35)])),
  );
}
