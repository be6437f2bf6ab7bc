import { randomUUID } from 'node:crypto';
import { messageOf } from '../../core/errors.ts';
import type { Feed } from '../../core/feed.ts';
import { limits } from '../../core/limits.ts';
import {
  deleteAttachments,
  dueAmong,
  insertAttachment,
  renewAttachments,
} from '../../db/attachment-statements.ts';
import { LaneDrain } from '../drain.ts';
import type { DrainDeps } from '../drain-deps.ts';
import { pushMode } from '../drain-mode.ts';
import { RemoteSettlement } from './remote-settlement.ts';
import { type Push, type PushEnd, PushSession } from './session.ts';

/** What attached consumers need of the hub. */
export interface AttachmentDeps extends DrainDeps {
  /** Tells the other nodes that the outcome of pushes was written here. */
  readonly tellSettled: (syncIds: readonly string[]) => void;
  /** Says whether this node has attached consumers: others then tell it of work. */
  readonly onPresence: (present: boolean) => void;
  /** Called when a lane's consumer has left: its webhook may go on. */
  readonly onDetached: (subscriptionId: string) => void;
}

const noReceipts: ReadonlyMap<string, string> = new Map();

interface Attached {
  readonly session: PushSession;
  readonly drain: LaneDrain;
  readonly done: Promise<unknown>;
}

/** The consumers that are attached to this node: each drains its own lane by the same claim, policy and outcomes. */
export class Attachments {
  readonly #deps: AttachmentDeps;
  readonly #remote: RemoteSettlement;
  readonly #byLane = new Map<string, Set<Attached>>();
  readonly #byKey = new Map<string, Set<PushSession>>();
  readonly #leaving = new Set<Promise<unknown>>();
  readonly #giveUp = new AbortController();
  #cancel: (() => void) | undefined;
  #isQuiet = false;
  #stopping = false;

  constructor(deps: AttachmentDeps) {
    this.#deps = deps;
    this.#remote = new RemoteSettlement(deps);
  }

  /** Keeps the leases of attachments, and looks for what their lanes were not told of. */
  start(): void {
    this.#cancel = this.#deps.clock.every(limits.attachmentPollMs, () => void this.#poll());
  }

  /**
   * Attaches a consumer. Leave the feed to detach.
   * @param prefetch events that may be unacknowledged at once, 1 to `limits.prefetch`
   */
  async attach(who: { subscriptionId: string; keyId: string }, prefetch: number): Promise<Feed<Push>> {
    const { db, clock } = this.#deps;
    const session = new PushSession({ id: randomUUID(), ...who }, clock, () => this.#leave(attached));
    await insertAttachment(db.pool, session, limits.attachmentLeaseMs);
    const mode = pushMode(session, session.id, prefetch);
    const lane = { subscriptionId: who.subscriptionId, shard: null, mode, isCrowded: () => false };
    const drain = new LaneDrain(this.#deps, lane);
    const attached: Attached = {
      session,
      drain,
      done: drain.run().then(
        // A stream that ends says that the subscription is no more: at a stop it is the socket that closes.
        () => (this.#isQuiet ? undefined : session.feed.end()),
        (error: unknown) => session.feed.end(error instanceof Error ? error : new Error(messageOf(error))),
      ),
    };
    const ofLane = this.#byLane.get(who.subscriptionId) ?? new Set();
    this.#byLane.set(who.subscriptionId, ofLane.add(attached));
    this.#byKey.set(who.keyId, (this.#byKey.get(who.keyId) ?? new Set()).add(session));
    this.#deps.onPresence(true);
    if (this.#isQuiet) drain.stop(this.#giveUp.signal);
    if (this.#stopping) session.feed.end();
    return session.feed;
  }

  /** Says that lanes have work. */
  poke(lanes: Iterable<string>): void {
    for (const lane of lanes) for (const { drain } of this.#byLane.get(lane) ?? []) drain.poke();
  }

  /** Says that a lane's settings or state have changed. */
  reread(lane: string): void {
    for (const { drain } of this.#byLane.get(lane) ?? []) drain.reread();
  }

  /**
   * What a consumer says of pushes, on any connection of its key.
   * @param receipts what it returned for some of them, by sync
   * @returns the ids of those that were waiting for it
   */
  async settle(
    keyId: string,
    syncIds: readonly string[],
    end: PushEnd,
    receipts: ReadonlyMap<string, string> = noReceipts,
  ): Promise<string[]> {
    const mine = [...(this.#byKey.get(keyId) ?? [])];
    const here: string[] = [];
    const rest: string[] = [];
    for (const id of syncIds) {
      const receipt = receipts.get(id) ?? null;
      (mine.some(session => session.settle(id, end, receipt)) ? here : rest).push(id);
    }
    return rest.length === 0 ? here : [...here, ...(await this.#remote.settle(keyId, rest, end, receipts))];
  }

  /** Another node has written the outcome of these. */
  forget(syncIds: readonly string[]): void {
    for (const of of this.#byLane.values())
      for (const { session } of of) for (const id of syncIds) session.forget(id);
  }

  /**
   * The hub is about to stop: pushes nothing more, and waits for the acknowledgements of what was pushed,
   * `limits.quietMs` at most. What a consumer has handled is then not pushed again by another node.
   */
  async quiet(): Promise<void> {
    this.#isQuiet = true;
    const attached = [...this.#byLane.values()].flatMap(of => [...of]);
    for (const { drain } of attached) drain.stop(this.#giveUp.signal);
    const finished = new AbortController();
    const late = this.#deps.clock.sleep(limits.quietMs, finished.signal);
    await Promise.race([Promise.all(attached.map(({ done }) => done)), late]);
    finished.abort();
  }

  /** Ends all sessions and waits until what became of their pushes is written. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#cancel?.();
    const cancel = this.#deps.clock.after(limits.stopMs, () => this.#giveUp.abort());
    for (const of of this.#byLane.values()) for (const { session } of of) session.feed.end();
    await Promise.all(this.#leaving);
    cancel();
  }

  #leave(attached: Attached): void {
    const leaving = this.#detach(attached)
      .catch((error: unknown) => this.#deps.log.warn({ error: messageOf(error) }, 'detaching'))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #detach({ session, drain, done }: Attached): Promise<void> {
    const ofLane = this.#byLane.get(session.subscriptionId);
    for (const one of ofLane ?? []) if (one.session === session) ofLane?.delete(one);
    if (ofLane?.size === 0) this.#byLane.delete(session.subscriptionId);
    const ofKey = this.#byKey.get(session.keyId);
    ofKey?.delete(session);
    if (ofKey?.size === 0) this.#byKey.delete(session.keyId);
    if (this.#byLane.size === 0) this.#deps.onPresence(false);
    drain.stop(this.#giveUp.signal);
    session.close();
    await done;
    // After its outcomes are written: what went back is then the webhook's, or the next consumer's, at once.
    await deleteAttachments(this.#deps.db.pool, [session.id]);
    this.#deps.onDetached(session.subscriptionId);
  }

  async #poll(): Promise<void> {
    const sessions = [...this.#byLane.values()].flatMap(of => [...of].map(({ session }) => session));
    if (sessions.length === 0) return;
    try {
      await renewAttachments(this.#deps.db.pool, sessions, limits.attachmentLeaseMs);
      this.poke(await dueAmong(this.#deps.db.pool, [...this.#byLane.keys()]));
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'attachments wait for the database');
    }
  }
}
