import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../../src/core/logger.ts';

test('with tracing on, the fields of a line are in no later one', () => {
  const lines: Record<string, unknown>[] = [];
  let traceId: string | undefined;
  const log = createLogger({
    level: 'info',
    pretty: false,
    destination: { write: line => void lines.push(JSON.parse(line)) },
    traceId: () => traceId,
  });
  log.info({ shard: '7' }, 'one');
  traceId = 'a'.repeat(32);
  log.info({ sync: '8' }, 'two');
  traceId = undefined;
  log.info('three');
  assert.deepEqual(
    lines.map(({ shard, sync, trace_id, msg }) => ({ shard, sync, trace_id, msg })),
    [
      { shard: '7', sync: undefined, trace_id: undefined, msg: 'one' },
      { shard: undefined, sync: '8', trace_id: 'a'.repeat(32), msg: 'two' },
      { shard: undefined, sync: undefined, trace_id: undefined, msg: 'three' },
    ],
  );
});
