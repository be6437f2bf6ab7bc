import type { Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import type { Logger } from '../../core/logger.ts';

/** One open connection of a caller. */
interface GuardedConnection {
  readonly socket: Socket;
  /** The address that it counts under; a trusted proxy may name another one later. */
  address: string;
  /** The key that it has shown; undefined: none yet, or one for whose connections there is no room. */
  keyId: string | undefined;
}

/** Says how many connections there are of each kind. */
export interface ConnectionCounts {
  readonly keyed: number;
  readonly unkeyed: number;
}

/** Holds what `Connections` needs. */
export interface ConnectionsDeps {
  readonly log: Logger;
  readonly clock: Clock;
  /** Is told of each connection that was closed to make room. */
  readonly onDrop: () => void;
}

/**
 * Bounds the connections of a process. Whoever has shown a valid key keeps its place. The others share a smaller room,
 * and where that is short the longest open one of the address that has the most is closed. So a newcomer always gets
 * in, a health check too, and has as long to show its key as the others leave it.
 */
export class GuardedConnections {
  readonly #deps: ConnectionsDeps;
  readonly #open = new Map<Socket, GuardedConnection>();
  /** Holds those without a key by address, each in the order in which they came. */
  readonly #unkeyed = new Map<string, Set<GuardedConnection>>();
  readonly #perKey = new Map<string, number>();
  #unkeyedCount = 0;
  #unsaid = 0;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(deps: ConnectionsDeps) {
    this.#deps = deps;
  }

  /** The connections that are open now. */
  get counts(): ConnectionCounts {
    return { keyed: this.#open.size - this.#unkeyedCount, unkeyed: this.#unkeyedCount };
  }

  /** Takes a connection that was opened, and makes room for it. */
  take(socket: Socket): void {
    const connection = { socket, address: blockOf(socket.remoteAddress ?? ''), keyId: undefined };
    this.#open.set(socket, connection);
    this.#addUnkeyed(connection);
    socket.once('close', () => this.#forget(socket));
    this.#makeRoom(connection.address);
  }

  /** Counts a connection under the address that a trusted proxy gave. */
  attribute(socket: Socket, address: string): void {
    const connection = this.#open.get(socket);
    const block = blockOf(address);
    if (connection === undefined || connection.keyId !== undefined || connection.address === block) return;
    this.#removeUnkeyed(connection);
    connection.address = block;
    this.#addUnkeyed(connection);
    this.#makeRoom(block);
  }

  /** Keeps a place for a connection that has shown a valid key, unless that key has its share of places. */
  admit(socket: Socket, keyId: string): void {
    const connection = this.#open.get(socket);
    if (connection === undefined || connection.keyId !== undefined) return;
    const ofKey = this.#perKey.get(keyId) ?? 0;
    const room = limits.connections - limits.connectionsUnkeyedLeast;
    if (ofKey >= limits.connectionsPerKey || this.counts.keyed >= room) return;
    this.#removeUnkeyed(connection);
    connection.keyId = keyId;
    this.#perKey.set(keyId, ofKey + 1);
  }

  #makeRoom(address: string): void {
    const room = Math.min(limits.connectionsUnkeyed, limits.connections - this.counts.keyed);
    if ((this.#unkeyed.get(address)?.size ?? 0) > limits.connectionsUnkeyedPerAddress)
      this.#drop(this.#unkeyed.get(address));
    else if (this.#unkeyedCount > room) this.#drop(this.#largest());
  }

  /** The connections of the address that has the most of those without a key. */
  #largest(): Set<GuardedConnection> | undefined {
    let largest: Set<GuardedConnection> | undefined;
    for (const some of this.#unkeyed.values()) if (some.size > (largest?.size ?? 0)) largest = some;
    return largest;
  }

  /** Closes the first of some connections. */
  #drop(some: Set<GuardedConnection> | undefined): void {
    const [first] = some ?? [];
    if (first === undefined) return;
    this.#forget(first.socket);
    first.socket.destroy();
    this.#deps.onDrop();
    this.#tell(first.address);
  }

  /** Says it once a minute: whoever floods the hub must not flood its log too. */
  #tell(address: string): void {
    this.#unsaid += 1;
    const now = this.#deps.clock.steady();
    if (now - this.#saidAt < limits.doorLogMs) return;
    this.#deps.log.warn(
      { dropped: this.#unsaid, last_address: address, ...this.counts },
      'connections that have shown no key are closed to make room',
    );
    this.#saidAt = now;
    this.#unsaid = 0;
  }

  #addUnkeyed(connection: GuardedConnection): void {
    const some = this.#unkeyed.get(connection.address) ?? new Set();
    some.add(connection);
    this.#unkeyed.set(connection.address, some);
    this.#unkeyedCount += 1;
  }

  #removeUnkeyed(connection: GuardedConnection): void {
    const some = this.#unkeyed.get(connection.address);
    if (some?.delete(connection) !== true) return;
    this.#unkeyedCount -= 1;
    if (some.size === 0) this.#unkeyed.delete(connection.address);
  }

  #forget(socket: Socket): void {
    const connection = this.#open.get(socket);
    if (connection === undefined) return;
    this.#open.delete(socket);
    if (connection.keyId === undefined) return this.#removeUnkeyed(connection);
    const left = (this.#perKey.get(connection.keyId) ?? 1) - 1;
    if (left > 0) this.#perKey.set(connection.keyId, left);
    else this.#perKey.delete(connection.keyId);
  }
}

/**
 * The part of an address that one caller has to itself. Of IPv6 that is the first half: providers give every customer
 * at least as many addresses as the second half has.
 */
export function blockOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('%', 1)[0]?.toLowerCase().split('::') ?? [];
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - groups.length - after.length }, () => '0');
  return `${[...groups, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
