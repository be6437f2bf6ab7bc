import { setTimeout as pause } from 'node:timers/promises';

/** Waits until a condition holds; fails with `what` after `withinMs`. */
export async function until(what: string, condition: () => boolean, withinMs = 25_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited ${withinMs} ms in vain until ${what}.`);
    await pause(2);
  }
}
