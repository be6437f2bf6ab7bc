import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HttpPost, quoted } from '../../src/monitoring/channels/http-post.ts';
import { cleanUp, receiver } from '../support/send-bench.ts';

test('what a provider or a proxy before it answers in GBK or in escapes is quoted as text', async () => {
  const url = await receiver(({ url: path }, response) => {
    response.writeHead(502);
    if (path === '/gbk') response.end(Buffer.from('b7a2c6b1bac5b2bbb4e6d4da', 'hex'));
    else response.end('{"reason":"\\u53d1\\u7968"}');
  });
  const post = new HttpPost();
  cleanUp(() => post[Symbol.asyncDispose]());
  const answered = async (path: string) =>
    quoted(await post.json(url + path, '{}', { signal: AbortSignal.timeout(20_000) }));
  assert.equal(await answered('gbk'), 'HTTP 502, answered: 发票号不存在');
  assert.equal(await answered('json'), 'HTTP 502, answered: {"reason":"发票"}');
});
