import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { legible, textOf } from '../../src/core/answer-text.ts';
import { limits } from '../../src/core/limits.ts';

const texts = ['发票号不存在', '金额不符：应为 100.00 元', '税号㈱𠮷无效', 'only ASCII'];

/** The texts in another character set, as Python encodes them. */
function encoded(set: string): Buffer[] {
  const program = `import sys, json; print(json.dumps([t.encode(sys.argv[1]).hex() for t in json.load(sys.stdin)]))`;
  const found: unknown = JSON.parse(
    execFileSync('python3', ['-c', program, set], { input: JSON.stringify(texts) }).toString(),
  );
  assert.ok(Array.isArray(found));
  return found.map(hex => Buffer.from(String(hex), 'hex'));
}

const read = (bytes: Buffer, contentType: string | null = null, contentEncoding: string | null = null) =>
  textOf({ bytes, contentType, contentEncoding });

test('an answer in a character set that it names is read in that, however the name is written', () => {
  for (const [set, ...types] of [
    ['gb18030', 'text/plain; charset=GBK', 'text/html;Charset="gb2312"', 'application/json; charset=GB18030'],
    ['utf-16-le', 'text/plain; charset=utf-16le', 'text/plain; charset=UTF-16'],
    ['utf-16-be', 'text/plain; charset=utf-16be'],
    ['utf-8', 'text/plain', 'text/plain; charset=utf-8', 'text/plain; charset=none-such'],
  ] as const) {
    for (const type of types)
      assert.deepEqual(
        encoded(set).map(bytes => read(bytes, type)),
        texts,
        type,
      );
  }
});

test('an answer that is no UTF-8 is read as GB18030 where it says nothing, or something wrong', () => {
  for (const type of [null, 'text/plain', 'text/plain; charset=utf-8', 'text/plain; charset=none-such'])
    assert.deepEqual(
      encoded('gb18030').map(bytes => read(bytes, type)),
      texts,
      String(type),
    );
});

test('UTF-8 is read as such under the name that frameworks put on everything, and under a wrong one', () => {
  for (const set of ['ISO-8859-1', 'us-ascii', 'utf-16be-x'])
    assert.equal(read(Buffer.from('发票'), `text/plain; charset=${set}`), '发票', set);
  assert.equal(read(Buffer.from('caf\xe9', 'latin1'), 'text/plain; charset=ISO-8859-1'), 'café');
});

test('a byte order mark says which set it is, and is not shown', () => {
  for (const [set, bom] of [
    ['utf-16-le', [0xff, 0xfe]],
    ['utf-16-be', [0xfe, 0xff]],
  ] as const) {
    assert.deepEqual(
      encoded(set).map(bytes => read(Buffer.concat([Buffer.from(bom), bytes]))),
      texts,
    );
  }
});

test('an answer that is cut anywhere is read up to its last whole character', () => {
  for (const [set, type] of [
    ['gb18030', 'text/plain; charset=gbk'],
    ['utf-8', 'text/plain'],
    ['utf-16-le', 'text/plain; charset=utf-16le'],
  ] as const) {
    encoded(set).forEach((bytes, index) => {
      for (let length = 0; length <= bytes.length; length++) {
        const text = read(bytes.subarray(0, length), type).replace(/\ufffd+$/, '');
        assert.ok(texts[index]?.startsWith(text), `${set}: ${text}`);
      }
    });
  }
});

test('any bytes are some text, and any text in UTF-8 is itself', () => {
  fc.assert(fc.property(fc.uint8Array(), bytes => typeof read(Buffer.from(bytes)) === 'string'));
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      assert.equal(read(Buffer.from(text, 'utf8')), text);
    }),
  );
});

test('what was compressed unasked is expanded up to a bound, and told by its size beyond it', () => {
  const text = '发票号不存在'.repeat(20);
  for (const [encoding, bytes] of [
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['br', brotliCompressSync(text)],
  ] as const)
    assert.equal(read(bytes, null, encoding), text, encoding);
  const cut = gzipSync(text).subarray(0, 30);
  assert.ok(text.startsWith(read(cut, null, 'gzip').replace(/\ufffd$/, '')));
  const bomb = gzipSync(Buffer.alloc(limits.expandedAnswerBytes + 1));
  assert.equal(read(bomb, null, 'gzip'), `[gzip, ${bomb.length} bytes]`);
  assert.equal(read(Buffer.from('plain'), null, 'gzip'), '[gzip, 5 bytes]');
  assert.equal(read(Buffer.from('x'), null, 'zstd'), '[zstd, 1 bytes]');
});

test('escapes in JSON are shown as the characters that they mean, but for controls, quotes and backslashes', () => {
  const shown: [string, string][] = [
    ['{"message":"\\u53d1\\u7968\\u4e0d\\u5b58\\u5728"}', '{"message":"发票不存在"}'],
    ['["\\ud842\\udfb7", "http:\\/\\/tax\\/1"]', '["𠮷", "http://tax/1"]'],
    ['{"a":"\\u0022\\u005c\\u0000\\u001b\\n"}', '{"a":"\\u0022\\u005c\\u0000\\u001b\\n"}'],
    ['{"path":"C:\\\\u53d1"}', '{"path":"C:\\\\u53d1"}'],
    ['{"cut":"\\u53', '{"cut":"\\u53'],
    ['no JSON: \\u53d1', 'no JSON: \\u53d1'],
  ];
  for (const [text, expected] of shown) assert.equal(legible(text), expected);
  fc.assert(
    fc.property(fc.json(), json => {
      assert.deepEqual(JSON.parse(legible(json)), JSON.parse(json));
    }),
  );
});
