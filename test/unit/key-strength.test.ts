import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { weaknessOf } from '../../src/access/key-strength.ts';
import { readConfig } from '../../src/config/config.ts';

test('keys that anybody tries first are refused, with what is wanted and how to make one, and without the key', () => {
  for (const key of [
    'aaaaaaaaaaaaaaaaaaaaaaaa',
    'abababababababababababababab',
    'passwordpasswordpassword',
    'Password1234567890Password!',
    'changeme-changeme-changeme-1',
    'admin123456789admin123456789',
    'hub_admin_key_0123456789',
    'voucher-hub-admin-secret-2025',
    'P@ssw0rd-P@ssw0rd-2024-admin',
    'qwertyqwerty1234567890qwerty',
    '012345678901234567890123456789',
    'please-change-this-secret-key',
  ]) {
    assert.notEqual(weaknessOf(key), null, key);
    assert.throws(
      () => readConfig({ HUB_ADMIN_KEY: key }),
      (error: Error) =>
        /HUB_ADMIN_KEY: .*too easy to guess.*openssl rand -hex 32/.test(error.message) &&
        !error.message.includes(key),
      key,
    );
  }
});

test('keys from a generator are taken, and so are long ones of words of one’s own', () => {
  for (const key of [
    'hub_hostile_case_admin_key_0123456789',
    'hub_fieldb_case_key_0123456789',
    'hub_admin_key_of_the_tests_0123456789',
    'correct-horse-battery-staple',
  ])
    assert.equal(weaknessOf(key), null, key);
  fc.assert(
    fc.property(
      fc.constantFrom('hex', 'base64', 'base64url'),
      fc.integer({ min: 16, max: 64 }),
      (form, bytes) => {
        const key = randomBytes(bytes).toString(form).padEnd(24, 'z');
        assert.equal(weaknessOf(key), null, key);
      },
    ),
  );
});
