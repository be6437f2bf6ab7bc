import assert from 'node:assert/strict';
import { closeSync, openSync } from 'node:fs';
import { test } from 'node:test';
import { limits } from '../../src/core/limits.ts';
import { fileTarget, LogOutlet } from '../../src/core/log-outlet.ts';

/** A target that keeps what it is given until it is read. */
function keptTarget() {
  const waiting: { text: string; done: (error?: Error | null) => void }[] = [];
  const read: string[] = [];
  return {
    read,
    waiting,
    get writableLength() {
      return waiting.reduce((sum, { text }) => sum + text.length, 0);
    },
    write(text: string, done: (error?: Error | null) => void) {
      waiting.push({ text, done });
    },
    /** Reads all, what comes meanwhile too. */
    readAll(error?: Error) {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        if (error === undefined) read.push(next.text);
        next.done(error);
      }
    },
  };
}

test('while nobody reads, what waits is bounded, and afterwards one line says how many were dropped', () => {
  const target = keptTarget();
  let dropped = 0;
  const outlet = new LogOutlet({ target, format: line => line, onDrop: () => (dropped += 1) });
  const line = `${'x'.repeat(999)}\n`;
  for (let n = 0; n < 3_000; n += 1) outlet.write(line);
  assert.ok(target.writableLength <= limits.logWaitingBytes);
  const kept = target.waiting.length;
  assert.equal(dropped, 3_000 - kept);
  target.readAll();
  const notices = target.read.filter(text => text !== line).map(text => JSON.parse(text));
  assert.deepEqual(
    notices.map(({ level, dropped_lines }) => ({ level, dropped_lines })),
    [{ level: 40, dropped_lines: 3_000 - kept }],
  );
  outlet.write(line);
  target.readAll();
  assert.equal(target.read.at(-1), line);
});

test('lines that a full disk refused are counted, and told of once it takes lines again', () => {
  const target = keptTarget();
  let dropped = 0;
  const outlet = new LogOutlet({ target, format: line => line, onDrop: () => (dropped += 1) });
  for (let n = 0; n < 7; n += 1) {
    outlet.write('{}\n');
    target.readAll(new Error('ENOSPC'));
  }
  assert.equal(dropped, 7);
  outlet.write('{"msg":"room"}\n');
  target.readAll();
  assert.deepEqual(
    target.read.map(text => JSON.parse(text).dropped_lines ?? JSON.parse(text).msg),
    ['room', 7],
  );
});

test('a file on a full disk gives its error and does not throw', {
  skip: process.platform === 'linux' ? false : 'only Linux has such pipes',
}, () => {
  const fd = openSync('/dev/full', 'w');
  const errors: unknown[] = [];
  fileTarget(fd).write('line\n', error => errors.push(error));
  closeSync(fd);
  assert.match(String(errors[0]), /ENOSPC/);
});
