import type { Server } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Caller } from '../../access/caller.ts';
import { messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { GraphqlDoor } from '../graphql/graphql-http.ts';
import { closings } from './socket-closings.ts';
import { type SocketLook, SocketPeer } from './socket-peer.ts';

/** Keys that are checked at the same time: a thousand consumers must not take the database from the others. */
const checksAtOnce = 8;

/** The sockets of one key. */
interface KeySockets {
  readonly authorization: string;
  readonly peers: Set<SocketPeer>;
}

/** All open sockets of a process: it bounds them, looks after them with one timer, and closes them at a stop. */
export class SocketKeeper {
  readonly #door: GraphqlDoor;
  readonly #peers = new Set<SocketPeer>();
  readonly #keys = new Map<string, KeySockets>();
  readonly #work = new Set<Promise<void>>();
  readonly #endSweeps: () => void;
  #isChecking = false;
  #isStopping = false;

  constructor(door: GraphqlDoor) {
    this.#door = door;
    this.#endSweeps = door.clock.every(limits.socketSweepMs, () => this.#sweep());
  }

  /** True when no further socket is taken, as the hub stops. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** Takes a socket that was opened, and has graphql-ws serve it. */
  take(socket: WebSocket, server: Server<SocketPeer>, look: SocketLook): void {
    const peer = new SocketPeer(socket, server, {
      log: this.#door.log,
      track: work => this.#track(work),
      look,
    });
    this.#peers.add(peer);
    socket.once('close', () => this.#forget(peer));
  }

  /** Counts a socket under the key that it gave. @returns false: the key has too many, and the socket was closed */
  admit(peer: SocketPeer, caller: Caller, authorization: string): boolean {
    // It closed while its key was looked up.
    if (!this.#peers.has(peer)) return false;
    const key = this.#keys.get(caller.keyId) ?? { authorization, peers: new Set() };
    if (key.peers.size >= limits.socketsPerKey) {
      peer.drop(closings.tooManySockets);
      return false;
    }
    this.#keys.set(caller.keyId, key);
    key.peers.add(peer);
    peer.keyId = caller.keyId;
    peer.authorization = authorization;
    return true;
  }

  /** Closes all of them, and waits until their operations have ended (`limits.socketCloseMs` at most). */
  async close(): Promise<void> {
    this.#isStopping = true;
    this.#endSweeps();
    const { code, reason } = closings.stopping;
    for (const peer of this.#peers) peer.close(code, reason);
    const finished = new AbortController();
    await Promise.race([
      Promise.all([...Array.from(this.#peers, peer => peer.gone()), ...this.#work]),
      this.#door.clock.sleep(limits.socketCloseMs, finished.signal),
    ]);
    finished.abort();
    for (const peer of this.#peers) peer.terminate();
    if (this.#work.size > 0)
      this.#door.log.warn({ operations: this.#work.size }, 'operations on sockets go on while the hub stops');
  }

  #forget(peer: SocketPeer): void {
    this.#peers.delete(peer);
    const key = peer.keyId === undefined ? undefined : this.#keys.get(peer.keyId);
    if (peer.keyId === undefined || key === undefined) return;
    key.peers.delete(peer);
    if (key.peers.size === 0) this.#keys.delete(peer.keyId);
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }

  #sweep(): void {
    for (const peer of this.#peers) peer.sweep();
    void this.#checkKeys();
  }

  /** A key may be revoked while its sockets are open. Each sweep asks; what was asked lately is remembered there. */
  async #checkKeys(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const keys = [...this.#keys.values()];
    for (let first = 0; first < keys.length; first += checksAtOnce) {
      const checks = keys.slice(first, first + checksAtOnce).map(key => this.#checkKey(key));
      // Where the database is away, the rest need not find that out too.
      if ((await Promise.all(checks)).includes(false)) break;
    }
    this.#isChecking = false;
  }

  /** Closes a key's sockets if it was revoked. @returns false: nobody could say */
  async #checkKey({ authorization, peers }: KeySockets): Promise<boolean> {
    try {
      const { caller } = await this.#door.contextOf(authorization, 'open sockets');
      if (caller === null) for (const peer of peers) peer.drop(closings.keyRevoked);
      return true;
    } catch (error) {
      this.#door.log.debug({ error: messageOf(error) }, "the keys of open sockets can't be checked now");
      return false;
    }
  }
}
