import type { IncomingMessage } from 'node:http';
import type { BlockList, Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import type { OperationContext } from '../../resolvers/context.ts';
import { BodyRoom } from '../http/body-room.ts';
import { callerAddress } from './caller-address.ts';
import { type ConnectionCounts, GuardedConnections } from './connections.ts';
import { WrongKeys } from './wrong-keys.ts';

/** Holds what the front door counts, for `/metrics`. */
export interface DoorCounts {
  /** A caller gave a key that is unknown or revoked. */
  wrongKey(): void;
  /** A connection that had shown no key was closed to make room. */
  connectionDropped(): void;
  /** Gives the function that tells how many connections are open. */
  watchConnections(read: () => ConnectionCounts): void;
}

/** Holds what the guards need. */
export interface GuardsDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: BlockList;
  readonly counts: DoorCounts;
}

/** Keeps room at the front door: for those who have shown a key, and for whoever comes. */
export class DoorGuards {
  readonly connections: GuardedConnections;
  readonly bodies: BodyRoom;
  readonly #wrongKeys: WrongKeys;
  readonly #trustedProxies: BlockList;

  constructor({ log, clock, trustedProxies, counts }: GuardsDeps) {
    this.#trustedProxies = trustedProxies;
    this.connections = new GuardedConnections({ log, clock, onDrop: () => counts.connectionDropped() });
    this.bodies = new BodyRoom(clock);
    this.#wrongKeys = new WrongKeys({ log, clock, onWrongKey: () => counts.wrongKey() });
    counts.watchConnections(() => this.connections.counts);
  }

  /** Finds out from where a connection's request came, and counts the connection there. @returns the address */
  locate(request: IncomingMessage, socket: Socket = request.socket): string {
    const address = callerAddress(request, this.#trustedProxies);
    this.connections.attribute(socket, address);
    return address;
  }

  /** Keeps a place for a connection whose key is good; the answer to a wrong key waits. @returns false: close the connection */
  async look(
    { caller, keyGiven }: Pick<OperationContext, 'caller' | 'keyGiven'>,
    socket: Socket,
    address: () => string,
  ): Promise<boolean> {
    if (caller !== null) this.connections.admit(socket, caller.keyId);
    else if (keyGiven) return this.#wrongKeys.slow(address());
    return true;
  }
}
