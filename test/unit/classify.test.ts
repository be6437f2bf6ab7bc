import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errors } from 'undici';
import type { Verdict } from '../../src/core/model.ts';
import {
  AttemptTimeoutError,
  parseRetryAfter,
  verdictOfError,
  verdictOfStatus,
} from '../../src/delivery/webhook/classify.ts';

function coded(code: string, message = `failed ${code}`): Error {
  return Object.assign(new Error(message), { code });
}

test('every status is judged by the table of the contract', () => {
  const table: Partial<Record<number, Verdict>> = {
    400: 'data',
    413: 'data',
    415: 'data',
    422: 'data',
    410: 'gone',
    408: 'busy',
    425: 'busy',
    429: 'busy',
  };
  for (let status = 100; status < 1000; status++) {
    const range: Verdict =
      status >= 200 && status < 300 ? 'accepted' : status >= 500 && status < 600 ? 'busy' : 'answer';
    assert.equal(verdictOfStatus(status), table[status] ?? range, `status ${status}`);
  }
});

test('codes of connecting, DNS and TLS mean that no connection came about', () => {
  for (const code of [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
    'EPROTO',
    'CERT_HAS_EXPIRED',
    'CERT_NOT_YET_VALID',
    'CERT_UNTRUSTED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    'INVALID_CA',
    'HOSTNAME_MISMATCH',
  ]) {
    assert.deepEqual(verdictOfError(coded(code)), {
      verdict: 'connect',
      errorCode: code,
      errorMessage: `failed ${code}`,
    });
  }
});

test('codes of a broken exchange count as the answer not coming, unless no connection had come about', () => {
  for (const code of [
    'ECONNRESET',
    'EPIPE',
    'ETIMEDOUT',
    'UND_ERR_SOCKET',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_HEADERS_OVERFLOW',
    'HPE_INVALID_CONSTANT',
  ]) {
    assert.equal(verdictOfError(coded(code)).verdict, 'response', code);
    assert.equal(verdictOfError(coded(code), false).verdict, 'connect', code);
  }
});

test('the total time-out is ETIMEDOUT, by whether a connection had come about', () => {
  assert.deepEqual(verdictOfError(new AttemptTimeoutError(5_000, true), true), {
    verdict: 'response',
    errorCode: 'ETIMEDOUT',
    errorMessage: 'No answer within 5000 ms.',
  });
  assert.deepEqual(verdictOfError(new AttemptTimeoutError(5_000, false), false), {
    verdict: 'connect',
    errorCode: 'ETIMEDOUT',
    errorMessage: 'No connection within 5000 ms.',
  });
});

test('a target that is not allowed is forbidden, whether or not there was a connection', () => {
  assert.equal(verdictOfError(coded('TARGET_NOT_ALLOWED'), false).verdict, 'forbidden');
  assert.equal(verdictOfError(coded('TARGET_NOT_ALLOWED'), true).verdict, 'forbidden');
});

test('an attempt that the hub itself ended does not count as the target being out of reach', () => {
  assert.equal(verdictOfError(new errors.RequestAbortedError(), false).verdict, 'response');
  assert.equal(verdictOfError(new errors.ClientDestroyedError(), false).verdict, 'response');
});

test('a request that cannot be written is the data’s fault', () => {
  assert.equal(
    verdictOfError(new errors.InvalidArgumentError('invalid x-source-system header'), false).verdict,
    'data',
  );
});

test('the code is found through causes and through an AggregateError of several addresses', () => {
  const both = new AggregateError([
    new Error('no code'),
    coded('ENETUNREACH', 'connect ENETUNREACH ::1'),
    coded('ECONNREFUSED'),
  ]);
  assert.deepEqual(verdictOfError(both), {
    verdict: 'connect',
    errorCode: 'ENETUNREACH',
    errorMessage: 'connect ENETUNREACH ::1',
  });
  const wrapped = new TypeError('fetch failed', { cause: new Error('middle', { cause: both }) });
  assert.equal(verdictOfError(wrapped).errorCode, 'ENETUNREACH');
  const timeout = new errors.ConnectTimeoutError('Connect Timeout Error');
  timeout.cause = both;
  assert.equal(verdictOfError(timeout).errorCode, 'UND_ERR_CONNECT_TIMEOUT');
});

test('what carries no code is UNKNOWN and does not loop', () => {
  const loop = new Error('round');
  loop.cause = loop;
  assert.deepEqual(verdictOfError(loop), {
    verdict: 'response',
    errorCode: 'UNKNOWN',
    errorMessage: 'round',
  });
  assert.equal(verdictOfError('text').errorMessage, 'text');
  assert.equal(verdictOfError(undefined, false).verdict, 'connect');
});

test('Retry-After is read as seconds or as any form of HTTP-date, up to ten minutes', () => {
  const now = Date.UTC(2026, 10, 28, 8, 0, 0);
  const cases: [string | string[] | undefined, number | null][] = [
    ['3', 3_000],
    [' 3 ', 3_000],
    ['0', 0],
    ['600', 600_000],
    ['601', 600_000],
    ['864000', 600_000],
    ['9'.repeat(400), 600_000],
    ['Sat, 28 Nov 2026 08:00:05 GMT', 5_000],
    ['Saturday, 28-Nov-26 08:00:05 GMT', 5_000],
    ['Sat Nov 28 08:00:05 2026', 5_000],
    ['Sun Nov  6 08:49:37 1994', 0],
    ['Fri, 01 Jan 2100 00:00:00 GMT', 600_000],
    [['4', '9'], 4_000],
    [undefined, null],
    ['', null],
    ['-5', null],
    ['1.5', null],
    ['soon', null],
    ['foo 3', null],
    ['1e3', null],
    ['0x10', null],
    ['Sat, 99 Nov 2026 08:00:05 GMT', null],
    ['2026-11-28T08:00:05Z', null],
    ['٣', null],
  ];
  for (const [header, expected] of cases)
    assert.equal(parseRetryAfter(header, now), expected, String(header));
});
