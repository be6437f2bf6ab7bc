import { type EventEmitter, once as onceOf } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

/*
 * Each wait of a test ends by itself and then says what it waited for. The default is long, because it costs nothing
 * where what is waited for comes, and machines may be busy.
 */
const defaultMs = 60_000;

/** Waits until `condition` gives something other than false, null or undefined; fails with `what` after `withinMs`. */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
  withinMs = defaultMs,
): Promise<Exclude<T, false | null | undefined>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await within(what, condition(), withinMs);
    if (isThere(value)) return value;
    if (performance.now() > deadline) throw inVain(what, withinMs);
    await pause(10);
  }
}

/** Gives what a promise gives; fails with `what` after `withinMs`. */
export async function within<T>(what: string, given: T | Promise<T>, withinMs = defaultMs): Promise<T> {
  if (!(given instanceof Promise)) return given;
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(inVain(what, withinMs)), withinMs);
  });
  try {
    return await Promise.race([given, end]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for an event and gives its arguments, as Node's `once` does, but not for ever. */
export function once(emitter: EventEmitter, event: string, withinMs = defaultMs): Promise<unknown[]> {
  const waited = within(`a ${emitter.constructor.name} emits '${event}'`, onceOf(emitter, event), withinMs);
  // A test begins to wait before it does what leads to the event, and may fail in between.
  waited.catch(() => {});
  return waited;
}

function inVain(what: string, withinMs: number): Error {
  return new Error(`Waited ${withinMs} ms in vain until ${what}.`);
}

function isThere<T>(value: T): value is Exclude<T, false | null | undefined> {
  return value !== false && value !== null && value !== undefined;
}
