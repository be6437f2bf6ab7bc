import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { errors } from 'undici';
import { Reject } from '../../clients/typescript/src/reject.ts';
import { type DeliveryCode, deliveryCodeOf, deliveryCodes } from '../../src/core/delivery-codes.ts';
import { HubError } from '../../src/core/errors.ts';
import { checkRejectCode } from '../../src/delivery/push/reject-code.ts';
import { verdictOfError } from '../../src/delivery/webhook/classify.ts';

const root = new URL('../../', import.meta.url);

/** Codes of each family, as they occur. */
const occurring = [
  ...deliveryCodes.filter(({ givenBy }) => givenBy === 'hub').map(({ name }) => name),
  'HTTP_200',
  'HTTP_302',
  'HTTP_404',
  'HTTP_410',
  'HTTP_413',
  'HTTP_422',
  'HTTP_429',
  'HTTP_503',
  'HTTP_x',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'EPROTO',
  'ESERVFAIL',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'HPE_INVALID_CONSTANT',
  'HTTPParserError',
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'INVALID_CA',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_SSL_WRONG_VERSION_NUMBER',
];

/** Codes that consumers make up, some of them close to the hub's. */
const consumersOwn = [
  'LOCKED',
  'http_422',
  'UNKNOWN_COMPANY',
  'CERT_MISSING',
  'ERR_PERIOD_CLOSED',
  'E1001',
  'EXPIRED',
  'TIMEOUT',
  'SOCKET',
  'ValidationError',
];

test('a consumer may give no code of the catalogue, and any other of its form', () => {
  for (const code of occurring)
    assert.throws(
      () => checkRejectCode(code),
      (error: unknown) => error instanceof HubError && error.code === 'BAD_USER_INPUT',
      code,
    );
  for (const code of consumersOwn) checkRejectCode(code);
});

test('the client gives no code that the hub would not take', () => {
  for (const code of [...occurring, ...consumersOwn]) checkRejectCode(new Reject(code, 'no').code);
  for (const code of consumersOwn) assert.equal(new Reject(code, 'no').code, code);
});

test('whatever error ends an exchange, its code is one of the catalogue, and a strange one stands in the message', () => {
  const undicis = [
    new errors.HeadersTimeoutError(),
    new errors.BodyTimeoutError(),
    new errors.HeadersOverflowError(),
    new errors.ResponseContentLengthMismatchError(),
    new errors.InformationalError('reset'),
    new errors.SocketError('other side closed'),
    new errors.HTTPParserError('bad start line'),
  ];
  for (const error of [...undicis, new TypeError('bad'), new Error('x'), 'text', undefined])
    assert.ok(deliveryCodeOf(verdictOfError(error).errorCode), verdictOfError(error).errorCode);
  const strange = Object.assign(new Error('words'), { code: 'MY_OWN_CODE' });
  const { errorCode, errorMessage } = verdictOfError(strange);
  assert.deepEqual([errorCode, errorMessage], ['UNKNOWN', 'MY_OWN_CODE: words']);
});

test('refusals are what the contract calls data that does not fit, and a target that the hub may not reach', () => {
  const refusals = occurring.filter(code => deliveryCodeOf(code)?.isRefusal === true);
  assert.deepEqual(refusals.toSorted(), ['HTTP_413', 'HTTP_422', 'TARGET_NOT_ALLOWED']);
  for (const code of ['HTTP_400', 'HTTP_415']) assert.equal(deliveryCodeOf(code)?.isRefusal, true, code);
});

test('no source file gives a code in capitals that the catalogue does not have', () => {
  const folder = new URL('src/delivery/', root);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(file =>
    file.endsWith('.ts'),
  );
  const given = files.flatMap(file => {
    const text = readFileSync(new URL(file, folder), 'utf8');
    return [...text.matchAll(/(?:errorCode: |readonly code = )'(\w+)'/g)].map(([, code = '']) => code);
  });
  assert.ok(given.length >= 8, given.join());
  assert.deepEqual(
    given.filter(code => deliveryCodeOf(code) === undefined),
    [],
  );
});

const who: Record<DeliveryCode['givenBy'], string> = {
  hub: 'the hub',
  system: 'system or client',
  target: "the target's answer",
};
const retries: Record<DeliveryCode['retried'], string> = {
  policy: 'by the policy',
  free: 'yes, uses up no retry',
  never: 'no: FAILED',
};

test('docs/delivery-codes.md is the catalogue', () => {
  const rows = deliveryCodes.map(
    code =>
      `| ${code.name} | ${who[code.givenBy]} | ${retries[code.retried]} | ${code.meaning} | ${code.advice} |`,
  );
  const text = readFileSync(new URL('docs/delivery-codes.md', root), 'utf8');
  const table = text
    .split('\n')
    .filter(line => line.startsWith('| ') && !line.startsWith('| code') && !line.startsWith('| ---'));
  assert.deepEqual(table, rows);
});
