import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { Webhook } from 'standardwebhooks';

/** Holds what a provider took, in order. */
export interface TakenMessage {
  /** `wecom`, `dingtalk`, `feishu`, `slack`, `webhook`, `sms`, `voice`. */
  readonly provider: string;
  readonly text: string;
}

/** Secrets that the providers know. */
export const providerSecrets = {
  dingtalk: 'SEC0123456789abcdef',
  feishu: 'feishu-secret-0123',
  webhook: `whsec_${Buffer.alloc(32, 9).toString('base64')}`,
  accessKeyId: 'LTAI-test-id',
  accessKeySecret: 'aliyun-secret-0123',
};

/** A server that keeps to what the providers publish: formats, lengths, signatures and limits. */
export interface Providers extends AsyncDisposable {
  readonly url: string;
  readonly taken: TakenMessage[];
  /** Holds what was refused, and why. */
  readonly refused: { provider: string; why: string }[];
  /** The ids of what the webhook took. */
  readonly webhookIds: string[];
  /** Providers that answer 503. */
  readonly down: Set<string>;
  /** Where it is set all answer 502 with this page, as a proxy between may; it is given all that was asked. */
  page: ((asked: string) => string) | null;
  /** Everything that was taken of one provider. */
  of(provider: string): string[];
}

interface Verdict {
  readonly status: number;
  readonly body: unknown;
  readonly text: string | null;
  readonly why: string;
}

interface Asked {
  readonly url: URL;
  readonly headers: IncomingMessage['headers'];
  readonly raw: string;
  readonly now: number;
}

/** @param now the time by which signatures and limits are judged */
export async function startProviders(now: () => number = Date.now): Promise<Providers> {
  const taken: TakenMessage[] = [];
  const refused: Providers['refused'] = [];
  const webhookIds: string[] = [];
  const down = new Set<string>();
  const minutes = new Map<string, number[]>();
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk);
      const raw = Buffer.concat(chunks).toString('utf8');
      const url = new URL(request.url ?? '/', 'http://localhost');
      const [provider, judge] = providerOf(url, raw);
      if (down.has(provider)) return void response.writeHead(503).end('{}');
      if (providers.page !== null)
        return void response.writeHead(502).end(providers.page(`${request.url} ${raw}`));
      const asked: Asked = { url, headers: request.headers, raw, now: now() };
      // A robot counts what it is sent, not what it takes.
      const recent = (minutes.get(provider) ?? []).filter(at => at > asked.now - 60_000);
      minutes.set(provider, [...recent, asked.now]);
      const verdict = recent.length >= 20 ? tooMany(provider) : judge(asked);
      if (verdict.text === null) refused.push({ provider, why: verdict.why });
      else taken.push({ provider, text: verdict.text });
      if (provider === 'webhook' && verdict.text !== null)
        webhookIds.push(String(request.headers['webhook-id']));
      response.writeHead(verdict.status, { 'content-type': 'application/json' });
      response.end(typeof verdict.body === 'string' ? verdict.body : JSON.stringify(verdict.body));
    })();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const providers: Providers = {
    url: `http://127.0.0.1:${address.port}`,
    taken,
    refused,
    webhookIds,
    down,
    page: null,
    of: provider => taken.filter(one => one.provider === provider).map(({ text }) => text),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
  return providers;
}

function providerOf(url: URL, raw: string): [string, (asked: Asked) => Verdict] {
  if (url.pathname === '/cgi-bin/webhook/send') return ['wecom', wecom];
  if (url.pathname === '/robot/send') return ['dingtalk', dingtalk];
  if (url.pathname.startsWith('/open-apis/bot/v2/hook/')) return ['feishu', feishu];
  if (url.pathname === '/slack') return ['slack', slack];
  if (url.pathname === '/standard') return ['webhook', standard];
  return [raw.includes('Action=SingleCallByTts') ? 'voice' : 'sms', aliyun];
}

function tooMany(provider: string): Verdict {
  const errcode = { wecom: 45_009, dingtalk: 130_101 }[provider] ?? 9_499;
  return { status: 200, body: { errcode, code: errcode, errmsg: 'too many' }, text: null, why: 'too many' };
}

function no(errcode: number, why: string): Verdict {
  return { status: 200, body: { errcode, code: errcode, errmsg: why, msg: why }, text: null, why };
}

function yes(text: string, body: unknown = { errcode: 0, errmsg: 'ok' }): Verdict {
  return { status: 200, body, text, why: '' };
}

/** developer.work.weixin.qq.com/document/path/91770 */
function wecom({ url, raw }: Asked): Verdict {
  const body = JSON.parse(raw);
  const content: unknown = body.markdown?.content;
  if (url.searchParams.get('key') !== 'wecom-key') return no(93_000, 'invalid webhook url');
  if (body.msgtype !== 'markdown' || typeof content !== 'string' || content === '')
    return no(40_008, 'invalid message type');
  return Buffer.byteLength(content) > 4_096
    ? no(40_058, 'markdown.content exceed max length 4096')
    : yes(content);
}

/** open.dingtalk.com, custom robot: the sign is in the query, the time in milliseconds and at most an hour off */
function dingtalk({ url, raw, now }: Asked): Verdict {
  const body = JSON.parse(raw);
  const timestamp = url.searchParams.get('timestamp') ?? '';
  const sign = createHmac('sha256', providerSecrets.dingtalk)
    .update(`${timestamp}\n${providerSecrets.dingtalk}`)
    .digest('base64');
  if (url.searchParams.get('access_token') !== 'ding-token') return no(300_001, 'token is not exist');
  if (!/^\d{13}$/.test(timestamp) || Math.abs(now - Number(timestamp)) > 3_600_000)
    return no(310_000, 'invalid timestamp');
  if (url.searchParams.get('sign') !== sign) return no(310_000, 'sign not match');
  if (body.msgtype !== 'markdown' || typeof body.markdown?.title !== 'string' || body.markdown.title === '')
    return no(40_035, 'title is required');
  return Buffer.byteLength(raw) > 20_000 ? no(460_101, 'message too long') : yes(body.markdown.text);
}

/** open.feishu.cn, custom bot: the sign is in the body, its key is the text, the time in seconds */
function feishu({ url, raw, now }: Asked): Verdict {
  const body = JSON.parse(raw);
  const sign = createHmac('sha256', `${body.timestamp}\n${providerSecrets.feishu}`).digest('base64');
  if (url.pathname !== '/open-apis/bot/v2/hook/feishu-token')
    return no(19_001, 'param invalid: incoming webhook access token invalid');
  if (Math.abs(now / 1_000 - Number(body.timestamp)) > 3_600 || body.sign !== sign)
    return no(19_021, 'sign match fail or timestamp is not within one hour from current time');
  if (Buffer.byteLength(raw) > 20_480) return no(9_499, 'too large');
  const text: unknown = body.card?.elements?.[0]?.text?.content;
  if (body.msg_type !== 'interactive' || typeof text !== 'string') return no(9_499, 'Bad Request');
  return yes(text, { code: 0, msg: 'success', data: {} });
}

/** api.slack.com/messaging/webhooks */
function slack({ raw }: Asked): Verdict {
  const { text } = JSON.parse(raw);
  return typeof text === 'string' && text !== '' ? yes(text, 'ok') : { ...no(1, 'no_text'), status: 400 };
}

/** Verified by the public library; it judges by the machine's clock, so the time is checked by its signature alone. */
function standard({ headers, raw }: Asked): Verdict {
  const library = new Webhook(providerSecrets.webhook);
  const id = String(headers['webhook-id']);
  const at = new Date(Number(headers['webhook-timestamp']) * 1_000);
  const signatures = String(headers['webhook-signature']).split(' ');
  return signatures.includes(library.sign(id, at, raw))
    ? yes(raw, {})
    : { ...no(1, 'bad signature'), status: 401 };
}

/** help.aliyun.com, "RPC style, V1 signature": HMAC-SHA1 over the sorted, percent-encoded parameters */
function aliyun({ raw, now }: Asked): Verdict {
  const params = new URLSearchParams(raw);
  const given = params.get('Signature');
  params.delete('Signature');
  const encode = (text: string) =>
    encodeURIComponent(text).replaceAll(
      /[!'()*]/g,
      one => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const canonical = [...params]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .join('&');
  const sign = createHmac('sha1', `${providerSecrets.accessKeySecret}&`)
    .update(`POST&%2F&${encode(canonical)}`)
    .digest('base64');
  const refuse = (Code: string): Verdict => ({
    status: 400,
    body: { Code, Message: `${Code} of ${raw}` },
    text: null,
    why: Code,
  });
  if (params.get('AccessKeyId') !== providerSecrets.accessKeyId) return refuse('InvalidAccessKeyId.NotFound');
  if (given !== sign) return refuse('SignatureDoesNotMatch');
  if (!(Math.abs(now - Date.parse(params.get('Timestamp') ?? '')) <= 900_000))
    return refuse('InvalidTimeStamp.Expired');
  const isSms = params.get('Action') === 'SendSms';
  const template = JSON.parse(params.get(isSms ? 'TemplateParam' : 'TtsParam') ?? '{}');
  const wanted = isSms ? ['PhoneNumbers', 'SignName', 'TemplateCode'] : ['CalledNumber', 'TtsCode'];
  if (params.get('Version') !== '2017-05-25' || wanted.some(name => !params.get(name)))
    return refuse('MissingParameter');
  if (Object.values(template).some(value => String(value).length > 35))
    return refuse('isv.PARAM_LENGTH_LIMIT');
  const to = params.get(isSms ? 'PhoneNumbers' : 'CalledNumber');
  return yes(`${to}: ${Object.values(template).join(' | ')}`, { Code: 'OK', Message: 'OK', RequestId: 'x' });
}
