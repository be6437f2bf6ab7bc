import { CloseCode } from 'graphql-ws';
import { limits } from '../../core/limits.ts';

/** Why the hub closes a socket: a code, and a reason that the client is told (123 bytes at most, RFC 6455). */
export interface SocketClosing {
  readonly code: number;
  readonly reason: string;
}

/**
 * The codes are those of graphql-ws where it has one that fits, and the registered ones of WebSocket where the client
 * shall simply come again: clients of graphql-ws do so by themselves after 1012, 1013 and 4413, and not after 4429.
 */
export const closings = {
  keyRevoked: { code: CloseCode.Forbidden, reason: 'Forbidden: the API key is revoked' },
  tooManySockets: {
    code: 1013,
    reason: `Too many sockets: at most ${limits.socketsPerKey} at once with one API key; try again later`,
  },
  slowReader: { code: 4413, reason: 'Slow reader: too much waits to be read; connect again' },
  stalledReader: {
    code: 4413,
    reason: `Slow reader: nothing was read for ${limits.socketStallMs / 1_000} s; connect again`,
  },
  stopping: { code: 1012, reason: 'Service restart: connect again' },
  unavailable: { code: 1013, reason: 'Try again later: the database does not answer' },
  fault: { code: CloseCode.InternalServerError, reason: 'Internal server error' },
} as const satisfies Record<string, SocketClosing>;
