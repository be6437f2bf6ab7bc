import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startTestHub } from '../support/hub.ts';

test('a hub whose Redis does not answer says so and does not start', async () => {
  await assert.rejects(
    startTestHub({ env: { REDIS_URL: 'redis://:secret@127.0.0.1:1' } }),
    (error: Error) => {
      assert.match(error.message, /Redis at 127\.0\.0\.1:1 \(REDIS_URL\) does not answer: .*ECONNREFUSED/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    },
  );
});
