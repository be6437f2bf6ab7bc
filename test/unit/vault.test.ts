import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createVaultKey, Vault } from '../../src/access/vault.ts';
import { HubError } from '../../src/core/errors.ts';
import { propertySeed } from '../support/seed.ts';

const seed = propertySeed('vault');
const isFault = (error: unknown) => error instanceof HubError && error.code === 'INTERNAL_SERVER_ERROR';

test('what is sealed opens again, in its own context only, and no two seals are alike', () => {
  const vault = new Vault(createVaultKey());
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (plain, context) => {
      const sealed = vault.seal(plain, context);
      assert.equal(vault.open(sealed, context), plain);
      assert.notEqual(vault.seal(plain, context), sealed);
      assert.throws(() => vault.open(sealed, `${context}x`), isFault);
    }),
    { seed },
  );
});

test('a sealed text shows nothing of the secret and can be told by its key', () => {
  const vault = new Vault(createVaultKey());
  const sealed = vault.seal('whsec_0123456789', 'subscription:1');
  assert.match(sealed, /^v1:[0-9a-f]{8}:[A-Za-z0-9+/]+=*$/);
  assert.ok(
    !sealed.includes('whsec') &&
      !Buffer.from(sealed.split(':')[2] ?? '', 'base64')
        .toString('latin1')
        .includes('whsec'),
  );
});

test('a text with any byte altered, or cut short anywhere, is a fault that names nothing', () => {
  const vault = new Vault(createVaultKey());
  const sealed = vault.seal('secret', 'c');
  const [version, keyId, body = ''] = sealed.split(':');
  const bytes = Buffer.from(body, 'base64');
  for (let at = 0; at < bytes.length; at += 1) {
    const altered = Buffer.from(bytes);
    altered[at] = (altered[at] ?? 0) ^ 1;
    assert.throws(
      () => vault.open(`${version}:${keyId}:${altered.toString('base64')}`, 'c'),
      isFault,
      `byte ${at} altered`,
    );
    const short = bytes.subarray(0, at).toString('base64');
    assert.throws(() => vault.open(`${version}:${keyId}:${short}`, 'c'), isFault, `cut to ${at} bytes`);
  }
  for (const text of [
    '',
    'v1',
    'v1:',
    `v1:${keyId}`,
    `v2:${keyId}:${body}`,
    `v1:00000000:${body}`,
    'plain text',
  ]) {
    assert.throws(() => vault.open(text, 'c'), isFault, text);
  }
});

test('while keys change, the previous one opens, and only the current one seals', () => {
  const [first, second] = [createVaultKey(), createVaultKey()];
  const old = new Vault(first).seal('secret', 'c');
  const both = new Vault(second, first);
  assert.equal(both.open(old, 'c'), 'secret');
  assert.equal(both.isCurrent(old), false);
  const again = both.seal(both.open(old, 'c'), 'c');
  assert.equal(both.isCurrent(again), true);
  assert.equal(new Vault(second).open(again, 'c'), 'secret');
  assert.throws(() => new Vault(second).open(old, 'c'), isFault);
});

test('a new key is 32 bytes, and never the same', () => {
  const keys = Array.from({ length: 50 }, createVaultKey);
  assert.equal(new Set(keys).size, 50);
  for (const key of keys) assert.equal(Buffer.from(key, 'base64').length, 32);
});
