import { connect } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { errorCodeOf, messageOf } from '../../core/errors.ts';

/** Sets how long a connection may take, and pauses between tries, milliseconds. */
const connectMs = 5_000;
const pauseFirstMs = 200;
const pauseMaxMs = 2_000;

/** Holds what a watch works with. */
interface WatchOptions {
  readonly clock: Clock;
  /** Ends the waiting. */
  readonly halt: AbortSignal;
  /** Told once, where it has to wait, why: an operating system's code. */
  readonly onWait: (code: string) => void;
}

/** Waits until something takes connections at a URL. Nothing is sent there. @returns whether it had to wait */
export async function waitForReceiver(url: string, { clock, halt, onWait }: WatchOptions): Promise<boolean> {
  for (let pauseMs = pauseFirstMs; !halt.aborted; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
    const code = await connectFault(url);
    if (code === null) return pauseMs > pauseFirstMs;
    if (pauseMs === pauseFirstMs) onWait(code);
    await clock.sleep(pauseMs, halt);
  }
  return true;
}

/** Connects and hangs up. @returns why it can't; null: it can */
async function connectFault(url: string): Promise<string | null> {
  const { hostname, port, protocol } = new URL(url);
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = connect({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || (protocol === 'https:' ? 443 : 80)),
    timeout: connectMs,
  });
  socket.once('connect', () => resolve(null));
  socket.once('error', error => resolve(errorCodeOf(error) ?? messageOf(error)));
  socket.once('timeout', () => resolve('ETIMEDOUT'));
  return promise.finally(() => socket.destroy());
}
