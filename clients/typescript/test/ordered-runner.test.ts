import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { OrderedRunner } from '../src/ordered-runner.ts';
import { seed } from './support/samples.ts';

/** Tasks that begin when they are run and end when they are told. */
class Tasks {
  readonly begun: string[] = [];
  readonly #ends = new Map<string, () => void>();

  task(name: string): () => Promise<void> {
    return () => {
      this.begun.push(name);
      return new Promise(resolve => this.#ends.set(name, resolve));
    };
  }

  get running(): string[] {
    return [...this.#ends.keys()];
  }

  async end(name: string): Promise<void> {
    this.#ends.get(name)?.();
    this.#ends.delete(name);
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('one task of a key runs at a time, in order, and never more than the concurrency in all', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'e'), { maxLength: 30 }),
      fc.infiniteStream(fc.nat()),
      async (concurrency, keys, choices) => {
        const runner = new OrderedRunner(concurrency);
        const tasks = new Tasks();
        for (const [index, key] of keys.entries()) runner.add(key, tasks.task(`${key}${index}`));
        while (tasks.running.length > 0) {
          const running = tasks.running;
          assert.ok(running.length <= concurrency);
          assert.equal(new Set(running.map(name => name[0])).size, running.length, 'two of one key at once');
          await tasks.end(running[choices.next().value % running.length] ?? '');
        }
        await runner.idle();
        assert.equal(tasks.begun.length, keys.length);
        for (const key of new Set(keys)) {
          const places = tasks.begun.filter(name => name[0] === key).map(name => Number(name.slice(1)));
          assert.deepEqual(
            places,
            places.toSorted((x, y) => x - y),
          );
        }
      },
    ),
    { seed, numRuns: 200 },
  );
});

test('a slot that is free is used: keys that can run never wait', async () => {
  const runner = new OrderedRunner(2);
  const tasks = new Tasks();
  for (const name of ['a0', 'a1', 'b2', 'c3']) runner.add(name.charAt(0), tasks.task(name));
  assert.deepEqual(tasks.running, ['a0', 'b2']);
  await tasks.end('b2');
  assert.deepEqual(tasks.running, ['a0', 'c3']);
  await tasks.end('a0');
  assert.deepEqual(tasks.running, ['c3', 'a1']);
});

test('what has not begun can be forgotten, and the same keys be used again', async () => {
  const runner = new OrderedRunner(1);
  const tasks = new Tasks();
  for (const name of ['a0', 'a1', 'b2']) runner.add(name.charAt(0), tasks.task(name));
  runner.clearWaiting();
  runner.add('a', tasks.task('a3'));
  runner.add('b', tasks.task('b4'));
  for (const name of ['a0', 'a3', 'b4']) await tasks.end(tasks.running.includes(name) ? name : 'none');
  for (const name of tasks.running) await tasks.end(name);
  await runner.idle();
  assert.deepEqual(tasks.begun.toSorted(), ['a0', 'a3', 'b4']);
});

test('idle resolves at once where nothing runs, and not before the last task has ended', async () => {
  const runner = new OrderedRunner(3);
  await runner.idle();
  const tasks = new Tasks();
  runner.add('a', tasks.task('a0'));
  let idle = false;
  const waited = runner.idle().then(() => {
    idle = true;
  });
  await new Promise(resolve => setImmediate(resolve));
  assert.equal(idle, false);
  await tasks.end('a0');
  await waited;
  assert.throws(() => new OrderedRunner(0), RangeError);
});
