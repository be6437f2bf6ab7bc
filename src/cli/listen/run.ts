import { systemClock } from '../../core/clock.ts';
import { badInput, messageOf } from '../../core/errors.ts';
import { checkSecret } from '../../delivery/subscription/subscription-input.ts';
import { checkTargetUrl } from '../../delivery/webhook/guard.ts';
import { createSecret } from '../../delivery/webhook/sign.ts';
import { createClient, type HubClient, RefusedError, UnreachableError } from '../client.ts';
import { HubSocket } from '../live/hub-socket.ts';
import { type ConnectionProgress, stayConnected } from '../live/stay-connected.ts';
import { aborted, listenForStop } from '../signals.ts';
import { note, plural } from '../terminal.ts';
import { Acknowledger, type Tally } from './acknowledger.ts';
import { attachedQuery, deliveriesSubscription, type Listened, subscriptionQuery } from './documents.ts';
import { Forwarder } from './forwarder.ts';
import type { Handler } from './handler.ts';
import { ConsumerListener } from './listener.ts';
import type { ListenOptions } from './options.ts';
import { Printer } from './printer.ts';

/** Sets how long what is under way may still take after Ctrl-C, milliseconds. */
const finishMs = 10_000;

/** Sets how often it asks whether it is attached, milliseconds; mostly it is by the first answer. */
const attachPollMs = 100;

/** Listens until Ctrl-C, or until nobody reads what it prints. */
export async function listen(options: ListenOptions): Promise<void> {
  using stop = listenForStop();
  const unseen = new AbortController();
  const halt = AbortSignal.any([stop.signal, unseen.signal]);
  const client = createClient(options);
  await using parts = new AsyncDisposableStack();
  const { handler, notice } = handlerOf(options, parts);
  const { prefetch } = options;
  const onUnseen = () => {
    if (!halt.aborted) note('Nobody reads what it prints any more: it stops.');
    unseen.abort();
  };
  const onAway = () => session.away.abort();
  const listener = new ConsumerListener({ clock: systemClock, handler, prefetch, onUnseen, onAway });
  const tally: Tally = { acknowledged: 0, rejected: 0, failed: 0 };
  let [wasFound, wasConnected] = [false, false];
  const onFound = () => {
    if (!wasFound && notice !== null) note(notice);
    wasFound = true;
  };
  const onFirst = (subscription: Listened) => {
    wasConnected = true;
    greet(subscription, options);
  };
  const session: ListenSession = {
    client,
    options,
    handler,
    listener,
    tally,
    halt,
    onFound,
    onFirst,
    away: new AbortController(),
  };
  try {
    await stayConnected(onceConnected(session), {
      clock: systemClock,
      random: Math.random,
      stop: halt,
      say: note,
    });
  } finally {
    if (wasConnected) note(sumOf(listener.events, tally, options.subscription));
  }
}

interface ListenSession {
  readonly client: HubClient;
  readonly options: ListenOptions;
  readonly handler: Handler;
  readonly listener: ConsumerListener;
  readonly tally: Tally;
  readonly halt: AbortSignal;
  /** Told whenever there is such a subscription. */
  readonly onFound: () => void;
  /** Told once, of the first connection. */
  readonly onFirst: (subscription: Listened) => void;
  /** Aborts when the receiver of the connection that stands is away. */
  away: AbortController;
}

/** One connection of a session, from reading the subscription anew to its end. */
function onceConnected(session: ListenSession): (progress: ConnectionProgress) => Promise<void> {
  const { client, options, handler, listener, tally, halt, onFound, onFirst } = session;
  let wasConnected = false;
  return async ({ reached, connected }) => {
    let subscription = await readSubscription(session, wasConnected);
    reached();
    onFound();
    handler.use(subscription);
    if (await handler.ready(halt)) {
      if (halt.aborted) return;
      subscription = await readSubscription(session, true);
      handler.use(subscription);
    }
    session.away = new AbortController();
    using socket = new HubSocket(client, systemClock);
    const acknowledger = new Acknowledger(socket, tally, note);
    const variables = { subscriptionId: subscription.id, prefetch: options.prefetch };
    const ended = socket.subscribe(deliveriesSubscription, variables, ({ deliveries }) =>
      listener.take(deliveries, acknowledger),
    );
    const standing = async () => {
      await attached(socket, subscription.id);
      if (!wasConnected) onFirst(subscription);
      wasConnected = true;
      connected();
      await ended;
    };
    await Promise.race([ended, standing(), finished(listener, halt), aborted(session.away.signal)]);
    if (halt.aborted) return;
    if (session.away.signal.aborted)
      throw new UnreachableError(
        'The receiver is away: what it did not get goes back to the hub, and uses up no retry.',
      );
    // Told apart here, so that nobody waits for a subscription that is gone.
    await readSubscription(session, true);
    throw new UnreachableError('The hub ended the stream.');
  };
}

/** Resolves once the hub counts a consumer as attached: nothing on the socket itself says so. */
async function attached(socket: HubSocket, id: string): Promise<void> {
  for (;;) {
    const { dataSubscription } = await socket.request(attachedQuery, { id });
    if (dataSubscription?.connected !== false) return;
    await systemClock.sleep(attachPollMs);
  }
}

/** Resolves once it is to stop and what was under way is done and told, or has taken too long. */
async function finished(listener: ConsumerListener, halt: AbortSignal): Promise<void> {
  await aborted(halt);
  if (listener.requests > 0)
    note('Stopping: what is under way is finished first. Ctrl-C again stops at once.');
  const done = new AbortController();
  await Promise.race([listener.stop(), systemClock.sleep(finishMs, done.signal)]);
  done.abort();
  if (listener.requests > 0)
    note(
      `${plural(listener.requests, 'request')} got no answer in time; the hub delivers those events again.`,
    );
}

const listeners = "Listening takes an admin key, or a subscriber key of the subscription's target system.";

async function readSubscription(
  { client, options, halt }: ListenSession,
  wasThere: boolean,
): Promise<Listened> {
  const variables = JSON.stringify({ id: options.subscription });
  const { dataSubscription: found } = await client
    .requestText(subscriptionQuery, variables, halt)
    .catch((error: unknown) => {
      // The hub's own words are about reading, which more roles may than attach.
      if (error instanceof RefusedError && error.code === 'FORBIDDEN')
        throw new RefusedError(error.code, listeners);
      throw error;
    });
  if (found != null) return found;
  const which = `subscription ${options.subscription}`;
  throw new RefusedError(
    'NOT_FOUND',
    wasThere
      ? `There is no ${which} any more: it was deleted, or is not this key's to see.`
      : `There is no ${which} that this key may see; \`hub subscriptions list\` shows those that are.`,
  );
}

/** The handler, and what the developer must know of its secret before the first event. */
function handlerOf(
  options: ListenOptions,
  parts: AsyncDisposableStack,
): { handler: Handler; notice: string | null } {
  const { forward: url, prefetch: atOnce, json = false } = options;
  if (url === undefined) {
    if (options.secret !== undefined)
      throw badInput('secret', '--secret signs what is forwarded: it goes with --forward.');
    return { handler: new Printer(systemClock, json), notice: null };
  }
  const fault = checkTargetUrl(url);
  if (fault !== null) throw badInput('forward', `--forward ${fault}, e.g. http://localhost:5000/hook`);
  const secret = options.secret === undefined ? createSecret() : checkedSecret(options.secret);
  const notice =
    options.secret === undefined
      ? `! Neither --secret nor HUB_WEBHOOK_SECRET is given: this run signs with a secret of its own, made just now.\n  Put it into the receiver, or its signatures do not verify: ${secret}`
      : null;
  return { handler: parts.use(new Forwarder({ clock: systemClock, url, secret, atOnce, json })), notice };
}

/** What would be too weak for the hub is too weak for a receiver that is to be tried with it. */
function checkedSecret(secret: string): string {
  try {
    return checkSecret(secret);
  } catch (error) {
    throw badInput('secret', messageOf(error).replace(/^secret:/, '--secret (HUB_WEBHOOK_SECRET):'));
  }
}

function sumOf(events: number, { acknowledged, rejected, failed }: Tally, subscription: string): string {
  const sum = `${plural(events, 'event')}: ${acknowledged} acknowledged, ${rejected} rejected`;
  if (failed === 0) return `${sum}.`;
  return `${sum}, of which ${failed} FAILED; \`hub retry --subscription ${subscription}\` sends what FAILED again.`;
}

function greet(subscription: Listened, { forward, prefetch }: ListenOptions): void {
  const { id, name, targetSystem, state, webhookUrl } = subscription;
  const where = forward === undefined ? '' : `, forwarding to ${forward}`;
  note(
    `Listening to subscription ${id} (${name} of ${targetSystem})${where}; up to ${prefetch} at once. Ctrl-C ends it.`,
  );
  if (webhookUrl != null)
    note(
      `! This subscription has a webhook (${webhookUrl}): while this listens its events come here, and what is rejected twice goes there.`,
    );
  if (state !== 'ACTIVE')
    note(`! It is ${state.toLowerCase()}: nothing comes until \`hub subscriptions resume ${id}\`.`);
}
