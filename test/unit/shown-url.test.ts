import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shownUrl, tokensIn } from '../../src/core/shown-url.ts';

test('an address is shown to others with its host and path, and without its query and what looks like a token', () => {
  const shown: [string, string][] = [
    ['https://tax.example/hook', 'https://tax.example/hook'],
    ['https://tax.example', 'https://tax.example'],
    [
      'https://tax.example:8443/api/v2/invoices-2025?token=abc',
      'https://tax.example:8443/api/v2/invoices-2025?…',
    ],
    [
      'https://tax.example/voucher-settlement-webhook-v2',
      'https://tax.example/voucher-settlement-webhook-v2',
    ],
    ['https://tax.example/凭证/回调接收入口', 'https://tax.example/凭证/回调接收入口'],
    [
      'https://open.example/open-apis/bot/v2/hook/3f2504e0-4f89-41d3-9a0c-0305e82c3301',
      'https://open.example/open-apis/bot/v2/hook/…',
    ],
    [
      'https://chat.example/services/T0001/B0001/aB3dE5gH7jK9mN1pQ3sT5vW7',
      'https://chat.example/services/T0001/B0001/…',
    ],
    ['https://api.example/bot123456:ABC-DEF1234ghIkl-zyx57W2v1u123ew11/x', 'https://api.example/…/x'],
    ['https://tax.example/hook/9f86d081884c7d659a2feaa0c55ad015?', 'https://tax.example/hook/…'],
    ['nonsense', '…'],
  ];
  for (const [url, expected] of shown) assert.equal(shownUrl(url), expected);
});

test('no token of an address is left in what is shown of it', () => {
  fc.assert(
    fc.property(
      fc
        .base64String({ minLength: 24, maxLength: 60 })
        .filter(text => /\d/.test(text) && /[a-z]/i.test(text)),
      fc.constantFrom('path', 'query'),
      (token, where) => {
        const text = encodeURIComponent(token);
        const url = `https://tax.example/hook${where === 'path' ? `/${text}` : `?access_token=${text}`}`;
        const shown = shownUrl(url);
        fc.pre(!/^\p{L}{0,24}\d{0,8}=*$/u.test(token));
        assert.ok(!shown.includes(text) && !shown.includes(token), shown);
        assert.ok(tokensIn(url).includes(token));
      },
    ),
  );
});

test('short and plain values of a query are no tokens to look for, and those of a telling name are', () => {
  assert.deepEqual(tokensIn('https://tax.example/hook?mode=full&v=2'), []);
  assert.deepEqual(tokensIn('https://tax.example/hook?key=s3cr3t'), ['s3cr3t']);
  assert.deepEqual(tokensIn('https://tax.example/hook?access_token=s3cr3t%2B'), [
    'access_token=s3cr3t%2B',
    'access_token=s3cr3t+',
    's3cr3t%2B',
    's3cr3t+',
  ]);
});
