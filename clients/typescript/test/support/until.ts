import { type EventEmitter, once as onceOf } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';

const defaultMs = 60_000;

/** Waits until a condition holds; fails with `what` after `withinMs`. */
export async function until(what: string, condition: () => boolean, withinMs = defaultMs): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw inVain(what, withinMs);
    await pause(2);
  }
}

/** Waits for an event and gives its arguments, as Node's `once` does, but not for ever. */
export async function once(emitter: EventEmitter, event: string): Promise<unknown[]> {
  try {
    return await onceOf(emitter, event, { signal: AbortSignal.timeout(defaultMs) });
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error;
    throw inVain(`a ${emitter.constructor.name} emits '${event}'`, defaultMs);
  }
}

function inVain(what: string, withinMs: number): Error {
  return new Error(`Waited ${withinMs} ms in vain until ${what}.`);
}
