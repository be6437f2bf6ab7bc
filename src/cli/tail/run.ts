import { systemClock } from '../../core/clock.ts';
import { createClient, type HubClient } from '../client.ts';
import type { SyncLogFilter } from '../generated/graphql.ts';
import { HubSocket } from '../live/hub-socket.ts';
import { type ConnectionProgress, stayConnected } from '../live/stay-connected.ts';
import { aborted, listenForStop } from '../signals.ts';
import { knowsSubscription } from '../subscriptions/known-subscription.ts';
import { note, plural, printed } from '../terminal.ts';
import { changesSubscription, greetingQuery, type TailedSync } from './documents.ts';
import { Follower } from './follower.ts';
import { answerLine, syncLine } from './lines.ts';
import type { TailOptions } from './options.ts';
import { ShownSync } from './shown.ts';

interface TailSession {
  readonly client: HubClient;
  readonly options: TailOptions;
  readonly filter: SyncLogFilter;
  readonly shown: ShownSync;
  readonly show: (syncs: readonly TailedSync[]) => Promise<void>;
  readonly halt: AbortSignal;
}

/** Shows the log until Ctrl-C, or until nobody reads what it prints. */
export async function tail(options: TailOptions): Promise<void> {
  using stop = listenForStop();
  const unseen = new AbortController();
  const halt = AbortSignal.any([stop.signal, unseen.signal]);
  const client = createClient(options);
  const { subscription, status, error } = options;
  const filter = {
    subscriptionId: subscription ?? null,
    statuses: status ?? null,
    errorCodes: error === undefined ? null : [error],
  };
  const linesOf = (sync: TailedSync) => {
    const answer = options.verbose ? answerLine(sync) : null;
    return answer === null ? syncLine(sync) : `${syncLine(sync)}\n${answer}`;
  };
  const show = async (syncs: readonly TailedSync[]) => {
    for (const sync of syncs)
      if (!(await printed(options.json ? JSON.stringify(sync) : linesOf(sync)))) unseen.abort();
  };
  const session = { client, options, filter, shown: new ShownSync(), show, halt };
  await stayConnected(onceConnected(session), {
    clock: systemClock,
    random: Math.random,
    stop: halt,
    say: note,
  });
}

/** One connection of a session, from its beginning to its end. */
function onceConnected(session: TailSession): (progress: ConnectionProgress) => Promise<void> {
  const { client, options, filter, shown, show, halt } = session;
  let hasBegun = false;
  return async ({ reached, connected }) => {
    await greet(session, hasBegun);
    reached();
    using socket = new HubSocket(client, systemClock);
    using follower = new Follower({ socket, clock: systemClock, filter, shown, show, say: note });
    // Before anything is read: what changes after the reading is told.
    const ended = socket.subscribe(changesSubscription, { filter }, ({ syncLogChanged: { id } }) =>
      follower.mark(id),
    );
    const followed = async () => {
      await socket.request(greetingQuery, {});
      connected();
      if (hasBegun) makeUp(await follower.catchUp());
      else await follower.begin(options.last);
      hasBegun = true;
      await follower.follow();
    };
    await Promise.race([ended, followed(), aborted(halt)]);
  };
}

function makeUp(count: number): void {
  note(
    `${plural(count, 'sync')} made up for: new ones, and those shown as open. What else changed meanwhile may be missing (a gap).`,
  );
}

async function greet({ client, options, halt }: TailSession, hasBegun: boolean): Promise<void> {
  if (options.subscription === undefined || hasBegun)
    return void (await client.requestText(greetingQuery, '{}', halt));
  if (!(await knowsSubscription(client, options.subscription, halt)))
    note(
      `! There is no subscription ${options.subscription} (any more) that this key may see; only what the log has of it is shown.`,
    );
}
