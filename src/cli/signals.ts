import type { Clock } from '../core/clock.ts';
import { note } from './terminal.ts';

/** Exit code of a process that Ctrl-C ended, as shells count it: 128 + SIGINT. */
export const interruptedExitCode = 130;

/** Resolves when a signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted)
    await new Promise(resolve => signal.addEventListener('abort', resolve, { once: true }));
}

/** A stop, asked for by SIGINT or SIGTERM. */
export interface Stop extends Disposable {
  /** Aborts at the first signal. */
  readonly signal: AbortSignal;
  /** Resolves at the first signal. */
  readonly asked: Promise<void>;
}

/**
 * Listens for SIGINT and SIGTERM. The first asks for a clean stop, the second ends the process at once.
 * Dispose of it to listen no more.
 */
export function listenForStop(): Stop {
  const controller = new AbortController();
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const onSignal = () => {
    if (controller.signal.aborted) {
      note('Stopped at once.');
      // The one place that may: the clean way is under way, and the user does not want to wait for it.
      process.exit(interruptedExitCode);
    }
    controller.abort();
    resolve();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  return {
    signal: controller.signal,
    asked,
    [Symbol.dispose]() {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    },
  };
}

/**
 * Ends the process after a time, whatever it waits for then: what it holds goes to others when its leases run out.
 * @param exit stands for `process.exit`
 */
export function endWithin(ms: number, clock: Pick<Clock, 'after'>, exit: (code: number) => void): void {
  clock.after(ms, () => {
    note(`It did not stop within ${Math.round(ms / 1_000)} s and ends now; others take over what it held.`);
    exit(1);
  });
}
