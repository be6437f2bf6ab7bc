import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { createSecret, Signer } from '../../src/delivery/webhook/sign.ts';

const body = Buffer.from('{"data": {"name": "\\u4e2d"}, "event": "l1_confirmed", "event_id": 77}');
const now = Math.floor(Date.now() / 1000);
const signed = { body, webhookId: 'sync_5012', timestampSeconds: now };

/** Python's own hmac, with each secret's text as the key. */
function pythonHmac(secret: string, payload: Buffer): string {
  const program =
    'import hmac, hashlib, sys\nkey = sys.argv[1].encode()\nprint(hmac.new(key, sys.stdin.buffer.read(), hashlib.sha256).hexdigest())';
  return execFileSync('python3', ['-c', program, secret], { input: payload }).toString().trim();
}

/** The key bytes and the message as the specification words them, in Python. */
function pythonStandard(secret: string, id: string, timestamp: number, payload: Buffer): string {
  const program =
    'import base64, hmac, hashlib, sys\n' +
    'secret, id, ts = sys.argv[1:]\n' +
    'key = base64.b64decode(secret.removeprefix("whsec_"))\n' +
    'message = id.encode() + b"." + ts.encode() + b"." + sys.stdin.buffer.read()\n' +
    'print("v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode())';
  return execFileSync('python3', ['-c', program, secret, id, String(timestamp)], { input: payload })
    .toString()
    .trim();
}

test('a made secret is whsec_ and 32 random bytes in base64', () => {
  const secret = createSecret();
  assert.match(secret, /^whsec_[A-Za-z0-9+/]{43}=$/);
  assert.equal(Buffer.from(secret.slice(6), 'base64').length, 32);
  assert.notEqual(secret, createSecret());
});

test('the public Standard Webhooks library verifies what the hub signs', () => {
  const secret = createSecret();
  const headers = new Signer({ current: secret, next: null }).headers(signed);
  assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body.toString()));
  assert.throws(() => new Webhook(createSecret()).verify(body, headers), WebhookVerificationError);
  assert.throws(() => new Webhook(secret).verify(`${body.toString()} `, headers), WebhookVerificationError);
});

test('Python computes the same signatures with the text and with the decoded key', () => {
  const secret = createSecret();
  const headers = new Signer({ current: secret, next: null }).headers(signed);
  assert.equal(headers['x-signature'], `sha256:${pythonHmac(secret, body)}`);
  assert.equal(headers['webhook-signature'], pythonStandard(secret, 'sync_5012', now, body));
});

test('without a rotation there is one signature, and the times and id are on the headers', () => {
  const headers = new Signer({ current: createSecret(), next: null }).headers(signed);
  assert.deepEqual(Object.keys(headers).sort(), [
    'webhook-id',
    'webhook-signature',
    'webhook-timestamp',
    'x-signature',
    'x-timestamp',
  ]);
  assert.equal(headers['x-timestamp'], String(now));
  assert.equal(headers['webhook-timestamp'], String(now));
  assert.equal(headers['webhook-id'], 'sync_5012');
  assert.ok(!headers['webhook-signature']?.includes(' '));
});

test('while a rotation overlaps, a receiver with either secret verifies', () => {
  const [old, next] = [createSecret(), createSecret()];
  const headers = new Signer({ current: old, next }).headers(signed);
  for (const secret of [old, next]) new Webhook(secret).verify(body, headers);
  assert.equal(headers['x-signature'], `sha256:${pythonHmac(old, body)}`);
  assert.equal(headers['x-signature-next'], `sha256:${pythonHmac(next, body)}`);
});

test('a secret that is not whsec_ and base64 is its UTF-8 bytes in both schemes', () => {
  for (const secret of [
    'plain secret of ours',
    '密钥-密钥-密钥',
    'whsec_not base64!',
    'whsec_abc',
    'whsec_',
    'MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
  ]) {
    const headers = new Signer({ current: secret, next: null }).headers(signed);
    assert.equal(headers['x-signature'], `sha256:${pythonHmac(secret, body)}`);
    new Webhook(Buffer.from(secret), { format: 'raw' }).verify(body, headers);
  }
});

test('one signer signs many attempts, each with its own time', () => {
  const signer = new Signer({ current: createSecret(), next: null });
  const first = signer.headers(signed);
  const again = signer.headers({ ...signed, timestampSeconds: now + 1 });
  assert.equal(first['x-signature'], again['x-signature']);
  assert.notEqual(first['webhook-signature'], again['webhook-signature']);
  assert.deepEqual(signer.headers(signed), first);
});
