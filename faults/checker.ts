import type { History, LoggedSync, Published, Received, Subscribed } from './history.ts';

/** Holds what the hub promises, by name; a violation is of one of these. */
export type Rule =
  | 'nothing acknowledged is lost'
  | 'nothing is delivered that was not committed'
  | 'one record arrives in order'
  | 'a duplicate has the same sync_id'
  | 'the log agrees with the consumers'
  | 'answers to publishers are right'
  | 'nothing stays unfinished'
  | 'signatures are dated right'
  | 'shards run again soon'
  | 'the hub itself stays sound';

/** One thing that must not have happened. */
export interface Violation {
  readonly rule: Rule;
  readonly what: string;
}

/** Codes of attempts that say nothing of the event, so use up no retry. */
const freeCodes = new Set(['LEASE_EXPIRED', 'SOCKET_CLOSED']);

/** Sockets closed in a row after which an event is FAILED: the contract's number. */
const closedSocketsToFail = 10;

/** Sets how far a signature's timestamp may be from the lab's clock, milliseconds: what the hub itself warns of. */
const farthestDateMs = 30_000;

/**
 * Around a crash of PostgreSQL the log may lack attempts: claims and outcomes of the last moments before it are
 * lost, and what was claimed then may still be sent until its lease is over. Milliseconds.
 */
const crashLosesBeforeMs = 3_000;
const crashLosesAfterMs = 15_000;

/** Holds a run against what the hub promises. Pure: the same history gives the same violations. */
export function check(history: History): Violation[] {
  const index = new Index(history);
  return [
    ...history.faultsOfHub.map(what => ({ rule: 'the hub itself stays sound' as const, what })),
    ...checkAnswers(history),
    ...checkLoss(history, index),
    ...checkPhantoms(history, index),
    ...checkOrder(history, index),
    ...checkIds(history),
    ...checkDates(history, index),
    ...checkLog(history, index),
  ];
}

class Index {
  readonly published: Map<string, Published>;
  readonly subscriptions: Map<string, Subscribed>;
  readonly syncs: Map<string, LoggedSync>;
  readonly syncsOf: Map<string, LoggedSync[]>;
  readonly arrivals: Map<string, Received[]>;

  constructor(history: History) {
    this.published = new Map(history.published.map(one => [eventOf(one), one]));
    this.subscriptions = new Map(history.subscriptions.map(one => [one.id, one]));
    this.syncs = new Map(history.syncs.map(one => [one.id, one]));
    this.syncsOf = Map.groupBy(history.syncs, one => `${one.subscriptionId} ${eventOf(one)}`);
    this.arrivals = Map.groupBy(history.received, one => one.syncId);
  }
}

/** Holds what names an event. */
type EventName = Pick<Published, 'sourceSystem' | 'sourceId' | 'version'>;

function eventOf(event: EventName): string {
  return `${event.sourceSystem}/${event.sourceId}/${event.version}`;
}

function goesTo(event: { sourceSystem: string }, { sourceSystems }: Subscribed): boolean {
  return sourceSystems === null || sourceSystems.includes(event.sourceSystem);
}

function* checkAnswers({ published, subscriptions }: History): Generator<Violation> {
  const rule = 'answers to publishers are right';
  for (const event of published) {
    const wrong = event.outcomes.find((outcome, at) =>
      at === 0 ? !['CREATED', 'UPDATED', 'DUPLICATE'].includes(outcome) : outcome !== 'DUPLICATE',
    );
    // Of calls made at once, the one that recorded may be answered last.
    const recorded = event.outcomes.filter(outcome => outcome !== 'DUPLICATE');
    if (wrong !== undefined && (recorded.length > 1 || !['CREATED', 'UPDATED'].includes(wrong)))
      yield { rule, what: `${eventOf(event)} was answered ${event.outcomes.join(', ')}` };
    const matching = subscriptions.filter(subscription => goesTo(event, subscription)).length;
    if (event.deliveries !== null && event.deliveries !== matching)
      yield { rule, what: `${eventOf(event)} goes to ${event.deliveries} subscriptions, not to ${matching}` };
  }
}

function* checkLoss({ published, subscriptions }: History, index: Index): Generator<Violation> {
  const rule = 'nothing acknowledged is lost';
  for (const event of published) {
    if (event.acknowledgedAt === null) continue;
    for (const subscription of subscriptions.filter(one => goesTo(event, one))) {
      const syncs = index.syncsOf.get(`${subscription.id} ${eventOf(event)}`) ?? [];
      if (syncs.length === 0) yield { rule, what: `${eventOf(event)} has no sync for ${subscription.name}` };
    }
  }
  for (const sync of index.syncs.values())
    if (sync.status === 'SUCCESS' && !index.arrivals.has(sync.id))
      yield { rule, what: `sync ${sync.id} (${eventOf(sync)}) is SUCCESS and never arrived` };
}

function* checkPhantoms({ received }: History, index: Index): Generator<Violation> {
  const rule = 'nothing is delivered that was not committed';
  for (const arrival of received) {
    const what = `${eventOf(arrival)} arrived by ${arrival.way} as sync ${arrival.syncId}`;
    const event = index.published.get(eventOf(arrival));
    const subscription = index.subscriptions.get(arrival.subscriptionId);
    const sync = index.syncs.get(arrival.syncId);
    if (event === undefined) yield { rule, what: `${what}: nobody published it` };
    else if (event.mark !== arrival.mark) yield { rule, what: `${what} with other content` };
    else if (subscription === undefined || !goesTo(arrival, subscription))
      yield { rule, what: `${what} at ${subscription?.name ?? 'nobody'}, who did not subscribe to it` };
    else if (sync === undefined) yield { rule, what: `${what}: the log has no such sync` };
    else if (eventOf(sync) !== eventOf(arrival) || sync.subscriptionId !== arrival.subscriptionId)
      yield { rule, what: `${what}: in the log that is ${eventOf(sync)} for ${sync.subscriptionId}` };
  }
}

/** The first arrivals of a record's versions are in order, but for what had FAILED meanwhile: it holds nothing back. */
function* checkOrder({ received }: History, index: Index): Generator<Violation> {
  const rule = 'one record arrives in order';
  const newest = new Map<string, Received>();
  const seen = new Set<string>();
  for (const arrival of received) {
    if (seen.has(arrival.syncId)) continue;
    seen.add(arrival.syncId);
    const record = `${arrival.subscriptionId} ${arrival.sourceSystem}/${arrival.sourceId}`;
    const before = newest.get(record);
    if (before === undefined || before.version <= arrival.version) newest.set(record, arrival);
    else if (!hadFailed(index, arrival))
      yield {
        rule,
        what: `${eventOf(arrival)} (sync ${arrival.syncId}) first arrived at ${nameOf(index, arrival)} after version ${before.version} (sync ${before.syncId})`,
      };
  }
}

function hadFailed(index: Index, { syncId, subscriptionId }: Received): boolean {
  const sync = index.syncs.get(syncId);
  if (sync === undefined) return false;
  const used = sync.attempts.filter(code => code !== null && !freeCodes.has(code)).length;
  const closed = sync.attempts.filter(code => code === 'SOCKET_CLOSED').length;
  const { maxRetries = 0 } = index.subscriptions.get(subscriptionId) ?? {};
  return sync.status === 'FAILED' || used > maxRetries || closed >= closedSocketsToFail;
}

function nameOf(index: Index, { subscriptionId }: Received): string {
  return index.subscriptions.get(subscriptionId)?.name ?? subscriptionId;
}

function* checkIds({ received, syncs }: History): Generator<Violation> {
  const rule = 'a duplicate has the same sync_id';
  const arrivals = received.map(({ syncId, ...arrival }) => ({ ...arrival, id: syncId }));
  const all: readonly (readonly Pick<LoggedSync, 'id' | 'subscriptionId' | keyof EventName>[])[] = [
    arrivals,
    syncs,
  ];
  for (const found of all) {
    const byEvent = Map.groupBy(found, one => `${one.subscriptionId} ${eventOf(one)}`);
    for (const same of byEvent.values()) {
      const ids = [...new Set(same.map(one => one.id))];
      const [first] = same;
      if (first !== undefined && ids.length > 1)
        yield { rule, what: `${eventOf(first)} went to ${first.subscriptionId} as syncs ${ids.join(', ')}` };
    }
  }
}

/** A node's clock may be ten minutes off: signatures go by the database's. */
function* checkDates({ received }: History, index: Index): Generator<Violation> {
  for (const arrival of received) {
    const { datedOffMs, syncId } = arrival;
    if (datedOffMs !== null && Math.abs(datedOffMs) > farthestDateMs)
      yield {
        rule: 'signatures are dated right',
        what: `sync ${syncId} (${eventOf(arrival)}) was dated ${Math.round(datedOffMs / 1_000)} s off at ${nameOf(index, arrival)}`,
      };
  }
}

function* checkLog({ syncs, databaseCrashes }: History, index: Index): Generator<Violation> {
  for (const sync of syncs) {
    const arrivals = index.arrivals.get(sync.id) ?? [];
    const what = `sync ${sync.id} (${eventOf(sync)})`;
    const rule = 'the log agrees with the consumers';
    if (!['SUCCESS', 'FAILED'].includes(sync.status))
      yield { rule: 'nothing stays unfinished', what: `${what} is ${sync.status}` };
    if (sync.status === 'SUCCESS' && arrivals.length > 0 && !arrivals.some(arrival => arrival.accepted))
      yield { rule, what: `${what} is SUCCESS; it arrived ${arrivals.length} times and nobody accepted it` };
    const excused = databaseCrashes.some(crash =>
      arrivals.some(({ at }) => at > crash - crashLosesBeforeMs && at < crash + crashLosesAfterMs),
    );
    const sent = requestsOf(arrivals);
    if (sent > sync.attempts.length && !excused)
      yield {
        rule,
        what: `${what} arrived in ${sent} requests; the log has ${sync.attempts.length} attempts (${sync.attempts.join(', ')})`,
      };
  }
}

/**
 * Says how many requests brought these arrivals. An attempt whose kept connection broke off before an answer sends the same
 * bytes once more over a new connection, and stays one attempt.
 */
function requestsOf(arrivals: readonly Received[]): number {
  const signatures = arrivals.map(({ signature }) => signature);
  return new Set(signatures.filter(one => one !== null)).size + signatures.filter(one => one === null).length;
}
