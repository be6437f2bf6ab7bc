import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import { limits } from '../../src/core/limits.ts';
import { RowChanges } from '../../src/core/row-changes.ts';

interface Row {
  id: string;
  status: string;
}

/** Rows in memory that somebody watches, on a node that is alone. */
function watched(rows: Map<string, Row>) {
  const alone = { isWanted: () => false, want: () => {}, tell: () => {}, on: () => {} };
  const changes = new RowChanges<Row, 'rows'>({
    clock: systemClock,
    nodes: alone,
    topic: 'rows',
    slowText: '',
  });
  const watcher = changes.watch(async ids =>
    ids.flatMap(id => {
      const row = rows.get(id);
      return row === undefined ? [] : [{ ...row }];
    }),
  );
  const set = (id: string, status: string) => rows.set(id, { id, status });
  const told = async () => (await watcher.next()).value;
  return { changes, set, told };
}

test('a row whose two changes are read at once is told once', async () => {
  const { changes, set, told } = watched(new Map());
  changes.note(['1']);
  // It changes again before the first change is read, and that is noted only afterwards.
  set('1', 'FAILED');
  assert.deepEqual(await told(), { id: '1', status: 'FAILED' });
  set('2', 'FAILED');
  changes.note(['1', '2']);
  assert.deepEqual(await told(), { id: '2', status: 'FAILED' });
  set('1', 'PENDING');
  changes.note(['1']);
  assert.deepEqual(await told(), { id: '1', status: 'PENDING' });
  set('1', 'FAILED');
  changes.note(['1']);
  assert.deepEqual(await told(), { id: '1', status: 'FAILED' });
});

test('what was told is remembered of the last rows only', async () => {
  const { changes, set, told } = watched(new Map());
  const ids = Array.from({ length: limits.watcherRemembers + 1 }, (_, at) => String(at));
  for (const id of ids) set(id, 'SUCCESS');
  changes.note(ids);
  for (const id of ids) assert.equal((await told())?.id, id);
  changes.note(['5', '0']);
  assert.equal((await told())?.id, '0', 'the oldest is forgotten');
  set('2', 'PENDING');
  changes.note(['2']);
  assert.equal((await told())?.id, '2', 'others are not');
});
