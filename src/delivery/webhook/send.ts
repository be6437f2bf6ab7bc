import { LRUCache } from 'lru-cache';
import { Agent } from 'undici';
import type { Clock } from '../../core/clock.ts';
import { limits } from '../../core/limits.ts';
import { Exchange, type SendRequest, type SendResult } from './exchange.ts';
import {
  checkTargetUrl,
  createGuardedConnector,
  type ResolveAll,
  resolveBySystem,
  type TargetAllow,
  TargetNotAllowedError,
} from './guard.ts';
import { shareLookups } from './shared-lookup.ts';

export type { BodyEnd, SendRequest, SendResult } from './exchange.ts';

/** How long an idle connection is kept, milliseconds, whatever longer time the target offers. */
const keepAliveMs = 30_000;

/** What a sender works with. */
export interface WebhookSenderOptions {
  readonly allow: TargetAllow;
  readonly clock: Clock;
  /** Left out: the system's resolver, its lookups shared. */
  readonly lookup?: ResolveAll;
}

/**
 * Posts to webhooks over kept connections, to permitted targets only. It follows no redirect, tries nothing
 * again and expands no compressed answer; the status decides as soon as it is there.
 */
export class WebhookSender implements AsyncDisposable {
  readonly #clock: Clock;
  readonly #agent: Agent;
  /** For targets beyond `limits.targetOrigins`: a connection a request, as none would ever come free. */
  readonly #unpooled: Agent;
  /** A lane posts to one URL over and over: checked and taken apart once. */
  readonly #targets = new LRUCache<string, Target>({ max: limits.targetOrigins });

  constructor({ allow, clock, lookup }: WebhookSenderOptions) {
    this.#clock = clock;
    const options: Agent.Options = {
      connect: createGuardedConnector({
        allow,
        connectMs: limits.connectMs,
        lookup: lookup ?? shareLookups(resolveBySystem, clock),
      }),
      allowH2: false,
      pipelining: 1,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // The total time-out is the only one: undici's measure gaps, which a trickle of bytes never exceeds.
      headersTimeout: 0,
      bodyTimeout: 0,
    };
    this.#agent = new Agent({ ...options, maxOrigins: limits.targetOrigins });
    this.#unpooled = new Agent(options);
  }

  /** Makes one attempt. Never rejects: whatever happens is a result. */
  send(request: SendRequest): Promise<SendResult> {
    return new Promise(resolve => {
      const exchange = new Exchange(request, this.#clock, resolve);
      const target = this.#targetOf(request.url);
      if ('problem' in target)
        return exchange.fail(new TargetNotAllowedError(`The target's URL ${target.problem}.`));
      if (request.signal?.aborted === true) return exchange.callOff();
      const { body } = request;
      const options: Agent.DispatchOptions = {
        ...target,
        method: 'POST',
        headers: headerList(request.headers),
        body,
      };
      exchange.watch();
      this.#agent.dispatch(options, exchange);
      if (exchange.crowdedOut) this.#unpooled.dispatch({ ...options, reset: true }, exchange);
    });
  }

  #targetOf(url: string): Target {
    const known = this.#targets.get(url);
    if (known !== undefined) return known;
    const target = takeApart(url);
    this.#targets.set(url, target);
    return target;
  }

  /** Cuts what is under way (`UND_ERR_DESTROYED`) and closes every connection. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#agent.destroy(), this.#unpooled.destroy()]);
  }
}

/** Where a request goes, or why it must not. The address itself is checked at each connection. */
type Target = { readonly origin: string; readonly path: string } | { readonly problem: string };

function takeApart(url: string): Target {
  const problem = checkTargetUrl(url);
  if (problem !== null) return { problem };
  const { origin, pathname, search } = new URL(url);
  return { origin, path: pathname + search };
}

function headerList(headers: Readonly<Record<string, string>>): string[] {
  const list = ['accept-encoding', 'identity', 'user-agent', 'voucher-hub'];
  if (headers['content-type'] === undefined) list.push('content-type', 'application/json');
  for (const [name, value] of Object.entries(headers)) {
    // Undici writes headers as Latin-1 and refuses the rest: so this puts UTF-8 on the wire.
    list.push(name, /[^\x20-\x7e]/.test(value) ? Buffer.from(value, 'utf8').toString('latin1') : value);
  }
  return list;
}
