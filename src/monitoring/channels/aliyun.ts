import { createHmac, randomUUID } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { AlertMessages } from '../alerts/messages.ts';
import { type Channel, ChannelError } from './channel.ts';
import type { SettingsOf } from './channel-settings.ts';
import { type HttpPost, jsonObject, quoted } from './http-post.ts';

/** The key that signs, opened. */
export interface AliyunKeys {
  readonly accessKeyId: string;
  readonly accessKeySecret: string;
}

/** Holds what Aliyun's channels work with. */
export interface AliyunDeps {
  readonly post: HttpPost;
  readonly messages: AlertMessages;
  readonly clock: Pick<Clock, 'now'>;
}

/** A number gets one message a minute at most by the provider's own limits (isv.BUSINESS_LIMIT_CONTROL). */
const spacingMs = 60_000;

/**
 * SMS by Aliyun (SendSms of Dysmsapi 2017-05-25): one message to all numbers, by a template with the variables of
 * `ShortMessage`.
 */
export function aliyunSms(settings: SettingsOf<'aliyun-sms'>, keys: AliyunKeys, deps: AliyunDeps): Channel {
  const { name, endpoint = 'https://dysmsapi.aliyuncs.com', phones, signName, templateCode } = settings;
  const call = callerOf(endpoint, keys, deps);
  return {
    name,
    spacingMs,
    send: (notices, signal) =>
      call(
        'SendSms',
        {
          PhoneNumbers: phones.join(','),
          SignName: signName,
          TemplateCode: templateCode,
          TemplateParam: templateParam(deps.messages.short(notices)),
        },
        signal,
      ),
  };
}

/** A telephone call by Aliyun (SingleCallByTts of Dyvmsapi 2017-05-25) to each number, which reads a template twice. */
export function aliyunVoice(
  settings: SettingsOf<'aliyun-voice'>,
  keys: AliyunKeys,
  deps: AliyunDeps,
): Channel {
  const { name, endpoint = 'https://dyvmsapi.aliyuncs.com', phones, templateCode, shownNumber } = settings;
  const call = callerOf(endpoint, keys, deps);
  return {
    name,
    spacingMs,
    async send(notices, signal) {
      const param = templateParam(deps.messages.short(notices));
      const calls = phones.map(phone =>
        call(
          'SingleCallByTts',
          {
            CalledNumber: phone,
            TtsCode: templateCode,
            TtsParam: param,
            PlayTimes: '2',
            ...(shownNumber === undefined ? {} : { CalledShowNumber: shownNumber }),
          },
          signal,
        ),
      );
      // One number that can't be called must not make the others ring again: it is enough that one rang.
      const results = await Promise.allSettled(calls);
      const failed = results.find(result => result.status === 'rejected');
      if (failed !== undefined && results.every(result => result.status === 'rejected')) throw failed.reason;
    },
  };
}

/**
 * Makes one request of Aliyun's RPC style: parameters in a form, signed by HMAC-SHA1 over the sorted, percent-encoded
 * form (help.aliyun.com, "Request syntax and signature method V2 for RPC").
 * @throws ChannelError with the provider's code, or with the first words of an answer that is none of the provider's
 */
function callerOf(endpoint: string, { accessKeyId, accessKeySecret }: AliyunKeys, deps: AliyunDeps) {
  return async (action: string, params: Record<string, string>, signal: AbortSignal): Promise<void> => {
    const signed = new Map(
      Object.entries({
        ...params,
        AccessKeyId: accessKeyId,
        Action: action,
        Format: 'JSON',
        SignatureMethod: 'HMAC-SHA1',
        SignatureNonce: randomUUID(),
        SignatureVersion: '1.0',
        Timestamp: `${new Date(deps.clock.now()).toISOString().slice(0, 19)}Z`,
        Version: '2017-05-25',
      }).toSorted(([one], [other]) => (one < other ? -1 : 1)),
    );
    const canonical = [...signed].map(([key, value]) => `${encoded(key)}=${encoded(value)}`).join('&');
    const signature = createHmac('sha1', `${accessKeySecret}&`)
      .update(`POST&${encoded('/')}&${encoded(canonical)}`)
      .digest('base64');
    const form = new URLSearchParams([...signed, ['Signature', signature]]);
    const answer = await deps.post.form(`${endpoint.replace(/\/$/, '')}/`, form, signal);
    const { Code: code } = jsonObject(answer.text);
    if (code === 'OK' && answer.status >= 200 && answer.status < 300) return;
    // The provider's own message repeats the signed request, so only its code is told.
    if (typeof code === 'string')
      throw new ChannelError(`${action}: ${code.slice(0, limits.channelAnswerChars)}`);
    const secrets = [accessKeyId, accessKeySecret, signature, encodeURIComponent(signature)];
    const text = secrets.reduce((rest, secret) => rest.replaceAll(secret, '…'), answer.text);
    throw new ChannelError(`${action}: ${quoted({ ...answer, text })}`);
  };
}

/** RFC 3986's percent-encoding, which leaves fewer characters as they are than JavaScript's. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** Variables of a template may be 35 characters long. */
function templateParam(short: object): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(short).map(([name, value]) => [name, String(value).slice(0, 35)])),
  );
}
