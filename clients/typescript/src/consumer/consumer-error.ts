import type { SocketEnd } from './hub-socket.ts';

/** Attaching again can't help: the key, the subscription or the selection is wrong. */
export class ConsumerError extends Error {
  override readonly name = 'ConsumerError';
  /** The hub's code (FORBIDDEN, NOT_FOUND, BAD_USER_INPUT …), or `CLOSED_` and the socket's close code. */
  readonly code: string;

  constructor(code: string, message: string, cause?: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

/**
 * Close codes that say that the next attempt will end in the same way (graphql-ws: bad request, unauthorized,
 * forbidden, subprotocol).
 */
const fatalCloses = new Set([4400, 4401, 4403, 4406]);
/** Codes of a refused subscription that say nothing against it. */
const passing = new Set([
  'UNAVAILABLE',
  'SHUTTING_DOWN',
  'INTERNAL_SERVER_ERROR',
  'LIMIT_EXCEEDED',
  'UNREACHABLE',
]);

/** The error that a socket's end is for good; null: coming back may help. */
export function fatalOf({ closeCode, refused, message }: SocketEnd): ConsumerError | null {
  if (refused !== null) {
    return passing.has(refused.code) ? null : new ConsumerError(refused.code, refused.message, refused);
  }
  if (closeCode === null || !fatalCloses.has(closeCode)) return null;
  if (closeCode === 4403) return new ConsumerError('FORBIDDEN', 'The hub refuses this key (4403).');
  return new ConsumerError(`CLOSED_${closeCode}`, message);
}
