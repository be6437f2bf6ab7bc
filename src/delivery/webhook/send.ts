import { LRUCache } from 'lru-cache';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import { type Connection, Connections } from './connections.ts';
import { createGuardedConnector } from './connector.ts';
import { Exchange, type SendRequest, type SendResult } from './exchange.ts';
import {
  checkTargetUrl,
  type ResolveAll,
  resolveBySystem,
  type TargetAllow,
  TargetNotAllowedError,
} from './guard.ts';
import { shareLookups } from './shared-lookup.ts';

export type { BodyEnd, SendRequest, SendResult } from './exchange.ts';

/** Holds what a sender works with. */
export interface WebhookSenderOptions {
  readonly allow: TargetAllow;
  readonly clock: Clock;
  /** Holds what dates in answers are held against. Left out: the clock. */
  readonly time?: Pick<Clock, 'now'>;
  /** Left out: the system's resolver, its lookups shared. */
  readonly lookup?: ResolveAll;
}

/**
 * Posts to webhooks over kept connections, to permitted targets only. It follows no redirect and tries nothing again
 * but what a kept connection lost (see `Exchange`); the status decides as soon as it is there.
 */
export class WebhookSender implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #time: Pick<Clock, 'now'>;
  readonly #connections: Connections;
  /** A shard posts to one URL over and over: checked and taken apart once. */
  readonly #targets = new LRUCache<string, SendTarget>({ max: limits.targetOrigins });

  constructor({ allow, clock, time, lookup }: WebhookSenderOptions) {
    this.#clock = clock;
    this.#time = time ?? clock;
    const connector = createGuardedConnector({
      allow,
      clock,
      connectMs: limits.connectMs,
      lookup: lookup ?? shareLookups(resolveBySystem, clock),
    });
    this.#connections = new Connections(connector, clock);
  }

  /** Makes one attempt. Never rejects: whatever happens is a result. */
  send(request: SendRequest): Promise<SendResult> {
    return new Promise(resolve => {
      let connection: Connection | undefined;
      const again = () => {
        if (connection === undefined || 'problem' in target) return;
        this.#connections.drop(connection);
        carry(this.#connections.open(target.origin), target.path);
      };
      const exchange = new Exchange(request, { clock: this.#clock, time: this.#time }, again, result => {
        if (connection === undefined) return resolve(result);
        if (result.bodyEnd === 'whole') return this.#connections.giveBack(connection, () => resolve(result));
        this.#connections.drop(connection);
        resolve(result);
      });
      const carry = (taken: Connection, path: string) => {
        connection = taken;
        exchange.goOver(taken);
        const { body } = request;
        const reset = taken.origin === null;
        taken.client.dispatch({ path, method: 'POST', headers, body, reset }, exchange);
      };
      const target = this.#targetOf(request.url);
      if ('problem' in target)
        return exchange.fail(new TargetNotAllowedError(`The target's URL ${target.problem}.`));
      if (request.signal?.aborted === true) return exchange.callOff();
      const headers = headerList(request.headers);
      exchange.watch();
      carry(this.#connections.take(target.origin), target.path);
    });
  }

  #targetOf(url: string): SendTarget {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const target = takeApart(url);
    this.#targets.set(url, target);
    return target;
  }

  /** Cuts what is under way (`UND_ERR_DESTROYED`) and closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connections[Symbol.asyncDispose]();
  }
}

/** Says where a request goes, or why it must not. The address itself is checked at each connection. */
type SendTarget = { readonly origin: string; readonly path: string } | { readonly problem: string };

function takeApart(url: string): SendTarget {
  const problem = checkTargetUrl(url);
  if (problem !== null) return { problem };
  const { origin, pathname, search } = new URL(url);
  return { origin, path: pathname + search };
}

const notAscii = /[^\x20-\x7e]/;

function headerList(headers: Readonly<Record<string, string>>): string[] {
  const list = ['accept-encoding', 'identity', 'user-agent', 'voucher-hub'];
  if (headers['content-type'] === undefined) list.push('content-type', 'application/json');
  for (const name in headers) {
    const value = headers[name] ?? '';
    // Undici writes headers as Latin-1 and refuses the rest: so this puts UTF-8 on the wire.
    list.push(name, notAscii.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value);
  }
  return list;
}
