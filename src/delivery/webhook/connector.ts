import { isIP, type Socket } from 'node:net';
import { buildConnector, errors } from 'undici';
import type { Clock } from '../../core/clock.ts';
import { Dialer } from './dial.ts';
import { permittedAddresses, type ResolveAll, type TargetAllow } from './guard.ts';

/** Holds what a guarded connector works with. */
export interface ConnectorOptions {
  readonly allow: TargetAllow;
  readonly clock: Clock;
  readonly lookup: ResolveAll;
  /** DNS, TCP and TLS together, milliseconds. */
  readonly connectMs: number;
}

/**
 * Undici's connector, over connections to public or allowed addresses only. It decides on the addresses that
 * the connection will use, at every connection, so a name that resolves differently the second time gains
 * nothing. One forbidden address among several refuses the name. TLS certificates are always verified.
 */
export function createGuardedConnector(options: ConnectorOptions): buildConnector.connector {
  const { allow, clock, lookup, connectMs } = options;
  const dialer = new Dialer(clock);
  const secure = buildConnector({
    // The deadline below holds for TLS too.
    timeout: 0,
    allowH2: false,
    // Stated, so that NODE_TLS_REJECT_UNAUTHORIZED and --tls-min-v1.0 do not weaken it.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
  });
  const open = async (target: buildConnector.Options, signal: AbortSignal): Promise<Socket> => {
    const { hostname, protocol } = target;
    const addresses = await permittedAddresses(allow, hostname, lookup);
    signal.throwIfAborted();
    const socket = await dialer.dial(addresses, Number(target.port) || defaultPort(protocol), signal);
    if (protocol !== 'https:') return socket;
    const cut = () => socket.destroy();
    signal.addEventListener('abort', cut, { once: true });
    const { promise, resolve, reject } = Promise.withResolvers<Socket>();
    secure({ ...target, servername: serverName(hostname), httpSocket: socket }, (...[error, secured]) => {
      signal.removeEventListener('abort', cut);
      if (error === null) return resolve(secured);
      socket.destroy();
      reject(error);
    });
    return promise;
  };
  return (target, callback) => {
    const cancel = new AbortController();
    const late = Promise.withResolvers<never>();
    const stop = clock.after(connectMs, () => {
      const fault = new errors.ConnectTimeoutError(
        `No connection to ${target.hostname} within ${connectMs} ms.`,
      );
      cancel.abort(fault);
      late.reject(fault);
    });
    Promise.race([open(target, cancel.signal), late.promise])
      .finally(stop)
      .then(
        socket => callback(null, socket),
        (error: Error) => callback(error, null),
      );
  };
}

/** The name that TLS asks for and verifies: without the dot that ends an absolute name (RFC 6066, 3); none for an address. */
function serverName(hostname: string): string {
  return isIP(hostname) === 0 ? hostname.replace(/\.$/, '') : '';
}

function defaultPort(protocol: string): number {
  return protocol === 'https:' ? 443 : 80;
}
