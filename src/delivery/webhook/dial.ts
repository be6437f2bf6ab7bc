import type { LookupAddress } from 'node:dns';
import { connect, type Socket } from 'node:net';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';

/** The addresses of one host; there is at least one. */
export type Addresses = readonly [LookupAddress, ...LookupAddress[]];

const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: limits.keepAliveProbeMs } as const;

/**
 * Opens TCP connections as RFC 8305 ("Happy Eyeballs") says: where an address does not answer at once the next one is
 * tried beside it, and the first that answers is used. Node's own `autoSelectFamily` gives an address up as it goes to
 * the next, so that a server that is merely far away would never be reached.
 */
export class Dialer {
  readonly #clock: Clock;
  /** Addresses that did not answer at once, and until when they are tried behind the others. */
  readonly #slow = new LRUCache<string, number>({ max: limits.targetOrigins });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Connects to one of the addresses.
   * @param signal ends what is under way; the promise then rejects with its reason
   * @throws the system's error, or an AggregateError where several addresses failed
   */
  dial(addresses: Addresses, port: number, signal: AbortSignal): Promise<Socket> {
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    const waiting = this.#inOrder(addresses, port);
    const open = new Set<Socket>();
    const faults: Error[] = [];
    let stopWaiting = () => {};
    const end = () => {
      stopWaiting();
      signal.removeEventListener('abort', callOff);
      waiting.length = 0;
      for (const socket of open) socket.destroy();
    };
    const callOff = () => {
      end();
      reject(signal.reason);
    };
    const next = () => {
      stopWaiting();
      const address = waiting.shift();
      if (address === undefined) return;
      const name = nameOf(address, port);
      const socket = connect({ ...options, host: address.address, port });
      open.add(socket);
      if (waiting.length > 0) {
        stopWaiting = this.#clock.after(limits.nextAddressMs, () => {
          this.#slow.set(name, this.#clock.steady() + limits.connectionLifeMs);
          next();
        });
      }
      socket.once('connect', () => {
        open.delete(socket);
        this.#slow.delete(name);
        end();
        resolve(socket);
      });
      // Stays: a socket without such a listener would end the process before undici has its own there.
      socket.on('error', error => {
        if (!open.delete(socket)) return;
        faults.push(error);
        if (waiting.length > 0) return next();
        if (open.size > 0) return;
        end();
        reject(faults.length === 1 ? error : new AggregateError(faults, 'No address takes connections.'));
      });
    };
    signal.addEventListener('abort', callOff, { once: true });
    next();
    return promise;
  }

  /** Both families in turn, as the resolver sorts them; behind them those that were slow a moment ago. */
  #inOrder(addresses: Addresses, port: number): LookupAddress[] {
    if (addresses.length === 1) return [...addresses];
    const [{ family }] = addresses;
    const ranked = [true, false].flatMap(first =>
      addresses
        .filter(address => (address.family === family) === first)
        .map((address, place) => ({ address, place, slow: this.#isSlow(nameOf(address, port)) })),
    );
    return ranked
      .sort((a, b) => Number(a.slow) - Number(b.slow) || a.place - b.place)
      .map(({ address }) => address)
      .slice(0, limits.targetAddresses);
  }

  #isSlow(name: string): boolean {
    return this.#clock.steady() < (this.#slow.get(name) ?? 0);
  }
}

function nameOf({ address }: LookupAddress, port: number): string {
  return `${address} ${port}`;
}
