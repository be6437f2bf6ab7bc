import { isIP } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { sendFault } from '../http/request-faults.ts';

/**
 * Names under which pages without a key are asked for. A page of another site may let its own name point to the hub (DNS
 * rebinding), and would read what a browser here may read; the browser tells that name as the Host.
 */
export class HostNames {
  readonly #names: ReadonlySet<string>;
  /** Ends of names, with their dot. */
  readonly #ends: readonly string[];

  /** @param names host names; `*.` and a name: all below it; `*`: any */
  constructor(names: readonly string[]) {
    const lower = names.map(name => name.toLowerCase());
    this.#names = new Set(['localhost', ...lower]);
    this.#ends = ['.localhost', ...lower.filter(name => name.startsWith('*.')).map(name => name.slice(1))];
  }

  /**
   * Tells whether a Host header fits. Without one no browser asks, and an address is no name that could be made to
   * point here.
   */
  allow(host: string | undefined): boolean {
    if (host === undefined || this.#names.has('*')) return true;
    const name = host
      .replace(/:\d{1,5}$/, '')
      .toLowerCase()
      .replace(/\.$/, '');
    if (isIP(name.replace(/^\[(.*)\]$/, '$1')) !== 0) return true;
    return this.#names.has(name) || this.#ends.some(end => name.endsWith(end));
  }
}

/** Refuses what is asked for under a name that is not the hub's. */
export function checkHosts(app: FastifyInstance, hosts: HostNames): void {
  app.addHook('onRequest', async (request, reply) => {
    if (hosts.allow(request.headers.host)) return undefined;
    const message =
      'This is not served under this host name. HUB_ALLOWED_HOSTS takes further names; an IP address always does.';
    return sendFault(request, reply, 421, { code: 'FORBIDDEN', message });
  });
}
