import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { createSecret, Signer } from '../../../src/delivery/webhook/sign.ts';
import { VerificationError, type VerifyOptions, verify } from '../src/index.ts';
import { signedHeaders } from './support/samples.ts';

const body = '{"data": {"name": "\\u4e2d"}, "event": "l1_confirmed"}';
const secret = createSecret();
const plain = 'plain secret of ours, 密钥';

/** The code of the refusal; null: verified. */
function refusal(
  headers: Parameters<typeof verify>[1],
  secrets: string | string[] = secret,
  options: VerifyOptions = {},
  raw: string | Uint8Array = body,
): string | null {
  try {
    verify(raw, headers, secrets, options);
    return null;
  } catch (error) {
    if (error instanceof VerificationError) return error.code;
    throw error;
  }
}

function without(headers: Record<string, string>, ...names: string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}

const standardNames = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];

test('what the hub signs is verified, with a secret of either kind, as text, bytes, record or Headers', () => {
  for (const one of [secret, plain]) {
    const signer = new Signer({ current: one, next: null });
    const headers = signer.headers({
      body: Buffer.from(body),
      webhookId: 'sync_1',
      timestampSeconds: Math.floor(Date.now() / 1_000),
    });
    assert.equal(refusal(headers, one), null);
    assert.equal(refusal(new Headers(headers), one), null);
    assert.equal(refusal(headers, one, {}, Buffer.from(body)), null);
    assert.equal(refusal(headers, one, {}, new Uint8Array(Buffer.from(body))), null);
  }
});

test('what the public Standard Webhooks library signs is verified', () => {
  const at = new Date();
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(Math.floor(at.getTime() / 1_000)),
    'webhook-signature': new Webhook(secret).sign('msg_1', at, body),
  };
  assert.equal(refusal(headers), null);
  assert.equal(refusal(headers, createSecret()), 'BAD_SIGNATURE');
});

test('while a rotation overlaps, the old secret, the new one, or both together verify, and a third one does not', () => {
  const next = createSecret();
  const headers = new Signer({ current: secret, next }).headers({
    body: Buffer.from(body),
    webhookId: 'sync_1',
    timestampSeconds: Math.floor(Date.now() / 1_000),
  });
  for (const secrets of [secret, next, [secret, next], [next, secret], [createSecret(), next]]) {
    assert.equal(refusal(headers, secrets), null);
    assert.equal(refusal(without(headers, ...standardNames), secrets), null);
  }
  assert.equal(refusal(headers, createSecret()), 'BAD_SIGNATURE');
});

test('either form alone suffices, none does not, and each that is there must be right', () => {
  const headers = signedHeaders(body, secret);
  assert.equal(refusal(without(headers, 'x-signature', 'x-timestamp')), null);
  assert.equal(refusal(without(headers, ...standardNames)), null);
  assert.equal(refusal(without(headers, ...standardNames, 'x-signature')), 'UNSIGNED');
  assert.equal(refusal({}), 'UNSIGNED');
  const other = signedHeaders(body, createSecret());
  assert.equal(refusal({ ...headers, 'x-signature': other['x-signature'] }), 'BAD_SIGNATURE');
  assert.equal(refusal({ ...headers, 'webhook-signature': other['webhook-signature'] }), 'BAD_SIGNATURE');
});

test('whoever must have Standard Webhooks is not content with X-Signature', () => {
  const headers = signedHeaders(body, secret);
  assert.equal(refusal(headers, secret, { requireStandard: true }), null);
  assert.equal(refusal(without(headers, ...standardNames), secret, { requireStandard: true }), 'UNSIGNED');
});

test('any change of body, id or time is found', () => {
  const headers = signedHeaders(body, secret);
  for (let at = 0; at < body.length; at++) {
    const changed = Buffer.from(body);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.equal(refusal(headers, secret, {}, changed), 'BAD_SIGNATURE');
    assert.equal(refusal(without(headers, ...standardNames), secret, {}, changed), 'BAD_SIGNATURE');
  }
  assert.equal(refusal({ ...headers, 'webhook-id': 'sync_2' }), 'BAD_SIGNATURE');
  const later = String(Number(headers['webhook-timestamp']) + 1);
  assert.equal(refusal({ ...headers, 'webhook-timestamp': later }), 'BAD_SIGNATURE');
});

test('a signature of more than five minutes ago or ahead is refused, in both forms; the bound can be set', () => {
  const nowMs = 1_770_000_000_000;
  for (const seconds of [-300, 0, 300]) {
    const headers = signedHeaders(body, secret, nowMs + seconds * 1_000);
    assert.equal(refusal(headers, secret, { nowMs }), null);
    assert.equal(refusal(without(headers, ...standardNames), secret, { nowMs }), null);
  }
  for (const seconds of [-301, 301]) {
    const headers = signedHeaders(body, secret, nowMs + seconds * 1_000);
    assert.equal(refusal(headers, secret, { nowMs }), 'BAD_TIMESTAMP');
    assert.equal(refusal(without(headers, ...standardNames), secret, { nowMs }), 'BAD_TIMESTAMP');
    assert.equal(refusal(headers, secret, { nowMs, toleranceSeconds: 400 }), null);
  }
});

test('a time that is missing or no number is refused, whatever else is right', () => {
  const headers = signedHeaders(body, secret);
  const only = without(headers, ...standardNames);
  for (const time of ['', 'NaN', '1e9', '-1', ' ', '0x5', '99999999999999999999']) {
    assert.equal(refusal({ ...headers, 'webhook-timestamp': time }), 'BAD_TIMESTAMP');
    assert.equal(refusal({ ...only, 'x-timestamp': time }), 'BAD_TIMESTAMP');
  }
  assert.equal(refusal(without(only, 'x-timestamp')), 'BAD_TIMESTAMP');
});

test('signatures of other versions, forms and letters do not verify', () => {
  const headers = signedHeaders(body, secret);
  const v1 = String(headers['webhook-signature']);
  assert.equal(refusal({ ...headers, 'webhook-signature': `v2,zzz v1a,abc ${v1}` }), null);
  for (const bad of [v1.replace('v1,', 'v2,'), v1.replace('v1,', ''), '', 'v1,', `${v1}=`]) {
    assert.equal(refusal({ ...headers, 'webhook-signature': bad }), 'BAD_SIGNATURE', bad);
  }
  const hex = String(headers['x-signature']);
  for (const bad of [
    hex.replace('sha256:', 'sha256='),
    hex.slice(7),
    hex.toUpperCase(),
    `${hex}, ${hex}`,
    'sha256:',
  ])
    assert.equal(refusal({ ...headers, 'x-signature': bad }), 'BAD_SIGNATURE', bad);
});

test('without a secret nothing is verified, and that is the program’s fault', () => {
  const headers = signedHeaders(body, secret);
  for (const none of ['', [], [secret, '']]) assert.throws(() => verify(body, headers, none), TypeError);
});
