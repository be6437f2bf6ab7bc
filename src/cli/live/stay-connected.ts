import type { Clock } from '../../core/clock.ts';
import type { Random } from '../../core/random.ts';
import { RefusedError, UnreachableError } from '../client.ts';
import { duration } from '../terminal.ts';

/** Pauses between tries, milliseconds: doubling from the first to the longest, each shortened by chance. */
const pauseFirstMs = 250;
const pauseMaxMs = 15_000;

/** A connection that held this long was a good one: the next is tried soon. Milliseconds. */
const steadyMs = 5_000;

/** Refusals that say nothing against asking again. A proxy before a hub that restarts may answer in its place. */
const passing = new Set([
  'UNAVAILABLE',
  'SHUTTING_DOWN',
  'INTERNAL_SERVER_ERROR',
  'LIMIT_EXCEEDED',
  'NOT_A_HUB',
]);

/** Says how far a connection has come. */
export interface ConnectionProgress {
  /** The hub has answered: from now on it is waited for. */
  readonly reached: () => void;
  /** The connection stands. */
  readonly connected: () => void;
}

/** Says how connections are kept up. */
export interface StayOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Ends it. */
  readonly stop: AbortSignal;
  /** Told of every connection that is lost or found again. */
  readonly say: (message: string) => void;
}

/**
 * Makes one connection after the other until it is stopped. Where nothing answers at first, that is an error; a hub
 * that was there is waited for.
 * @param connection one connection, from its beginning to its end
 * @throws what a connection throws, unless that passes by itself
 */
export async function stayConnected(
  connection: (progress: ConnectionProgress) => Promise<void>,
  { clock, random, stop, say }: StayOptions,
): Promise<void> {
  let connectedAt = clock.now();
  let hasStood = false;
  let isThere = false;
  let lostAt: number | undefined;
  let failures = 0;
  const connected = () => {
    connectedAt = clock.now();
    if (lostAt !== undefined)
      say(`${hasStood ? 'Connected again' : 'Connected'} after ${duration(connectedAt - lostAt)}.`);
    lostAt = undefined;
    hasStood = true;
    isThere = true;
  };
  const reached = () => {
    isThere = true;
  };
  while (!stop.aborted) {
    const fault = await faultOf(connection({ reached, connected }));
    if (stop.aborted) return;
    isThere ||= isAnswer(fault);
    if (!isThere || !isPassing(fault)) throw fault;
    const now = clock.now();
    failures = lostAt === undefined && now - connectedAt > steadyMs ? 1 : failures + 1;
    lostAt ??= now;
    const pauseMs = Math.min(pauseFirstMs * 2 ** (failures - 1), pauseMaxMs) * (1 - random() / 2);
    say(`${fault.message} Trying again in ${duration(pauseMs)}.`);
    await clock.sleep(pauseMs, stop);
  }
}

/** Tells whether a hub is there that can't now, or that broke off in the middle. */
function isAnswer(fault: unknown): boolean {
  if (fault instanceof UnreachableError) return fault.wasThere;
  return fault instanceof RefusedError && ['UNAVAILABLE', 'SHUTTING_DOWN'].includes(fault.code);
}

function isPassing(fault: unknown): fault is Error {
  return fault instanceof UnreachableError || (fault instanceof RefusedError && passing.has(fault.code));
}

/** Gives what a connection ended with; without a fault, the hub ended it. */
async function faultOf(connection: Promise<void>): Promise<unknown> {
  try {
    await connection;
    return new UnreachableError('The hub ended the connection.');
  } catch (error) {
    return error;
  }
}
