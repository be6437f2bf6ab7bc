import { randomUUID } from 'node:crypto';
import { HubError, messageOf } from '../../core/errors.ts';
import type { Feed } from '../../core/feed.ts';
import { limits } from '../../core/limits.ts';
import {
  deleteAttachments,
  dueAmong,
  insertAttachment,
  renewAttachments,
} from '../../db/delivery/attachment-statements.ts';
import { cancelOf } from '../../db/delivery/backlog-statements.ts';
import type { DeliverySettings } from '../drain/delivery-settings.ts';
import { Drain } from '../drain/drain.ts';
import type { DrainDeps } from '../drain/drain-deps.ts';
import { pushMode } from '../drain/drain-mode.ts';
import { goesToWebhook, type Outcome } from '../outcome/judge.ts';
import { RemoteSettlement } from './remote-settlement.ts';
import {
  acknowledged,
  type Push,
  type PushEnd,
  PushSession,
  socketClosed,
  subscriptionDeleted,
} from './session.ts';

/** Holds what attached consumers need of the hub. */
export interface AttachmentDeps extends DrainDeps {
  /** Tells the other nodes that the outcome of pushes was written here. */
  readonly tellSettled: (syncIds: readonly string[]) => void;
  /** Says whether this node has attached consumers: others then tell it of work. */
  readonly onPresence: (present: boolean) => void;
  /** Called when a subscription's webhook has something to do: its consumer has left, or an event goes over to it. */
  readonly onWebhooksTurn: (subscriptionId: string) => void;
}

const noReceipts: ReadonlyMap<string, string> = new Map();

interface Attached {
  readonly session: PushSession;
  readonly drain: Drain;
  readonly done: Promise<unknown>;
}

/** The consumers that are attached to this node: each drains its subscription by the same claim, policy and outcomes. */
export class Attachments {
  readonly #deps: AttachmentDeps;
  readonly #remote: RemoteSettlement;
  readonly #byShard = new Map<string, Set<Attached>>();
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

  /** Keeps the leases of attachments, and looks for what their shards were not told of. */
  start(): void {
    this.#cancel = this.#deps.clock.every(limits.attachmentPollMs, () => void this.#poll());
  }

  /**
   * Attaches a consumer. Leave the feed to detach.
   * @param prefetch events that may be unacknowledged at once, 1 to `limits.prefetch`
   * @throws HubError LIMIT_EXCEEDED
   */
  async attach(who: { subscriptionId: string; keyId: string }, prefetch: number): Promise<Feed<Push>> {
    const { db } = this.#deps;
    this.#checkRoom(who);
    const session = new PushSession({ id: randomUUID(), ...who }, this.#deps, () => this.#leave(attached));
    await insertAttachment(db.pool, session, limits.attachmentLeaseMs);
    try {
      // Many may have asked at once.
      this.#checkRoom(who);
    } catch (error) {
      await deleteAttachments(db.pool, [session.id]);
      throw error;
    }
    const mode = pushMode(session, {
      attachmentId: session.id,
      prefetch,
      onWritten: (outcomes, settings) => this.#written(session, outcomes, settings),
      onDropped: outcomes => session.wrote(outcomes.map(({ id }) => id)),
      onClosed: () => session.close(subscriptionDeleted),
    });
    const shard = { subscriptionId: who.subscriptionId, index: null, mode, isCrowded: () => false };
    const drain = new Drain(this.#deps, shard);
    const attached: Attached = {
      session,
      drain,
      done: this.#run(session, drain),
    };
    const ofSubscription = this.#byShard.get(who.subscriptionId) ?? new Set();
    this.#byShard.set(who.subscriptionId, ofSubscription.add(attached));
    this.#byKey.set(who.keyId, (this.#byKey.get(who.keyId) ?? new Set()).add(session));
    this.#deps.onPresence(true);
    if (this.#isQuiet) drain.stop(this.#giveUp.signal);
    if (this.#stopping) session.feed.end();
    return session.feed;
  }

  #checkRoom({ subscriptionId, keyId }: { subscriptionId: string; keyId: string }): void {
    const { attachmentsPerSubscription: ofSubscription, attachmentsPerKey: ofKey } = limits;
    if ((this.#byShard.get(subscriptionId)?.size ?? 0) >= ofSubscription)
      throw new HubError(
        'LIMIT_EXCEEDED',
        `${ofSubscription} consumers are attached to subscription ${subscriptionId} here, which is the most.`,
      );
    if ((this.#byKey.get(keyId)?.size ?? 0) >= ofKey)
      throw new HubError(
        'LIMIT_EXCEEDED',
        `${ofKey} consumers are attached with this key, which is the most.`,
      );
  }

  /** Says that shards have work. */
  notify(shards: Iterable<string>): void {
    for (const subscriptionId of shards)
      for (const { drain } of this.#byShard.get(subscriptionId) ?? []) drain.notify();
  }

  /** Says that a subscription's settings or state have changed. */
  reread(subscriptionId: string): void {
    for (const { drain } of this.#byShard.get(subscriptionId) ?? []) drain.reread();
  }

  /**
   * Events that are safe with a consumer, told on any connection of its key.
   * @param receipts what it returned for some of them, by sync
   * @returns how many were waiting for it
   */
  async acknowledge(
    keyId: string,
    syncIds: readonly string[],
    receipts: ReadonlyMap<string, string>,
  ): Promise<number> {
    const mine = [...(this.#byKey.get(keyId) ?? [])];
    const settle = (id: string) =>
      mine.some(session => session.settle(id, acknowledged, receipts.get(id) ?? null));
    const rest = syncIds.filter(id => !settle(id));
    // The first verdict stands: what was settled here must not be looked for in the database, which may not know it yet.
    const unknown = rest.filter(id => !mine.some(session => session.isUnwritten(id)));
    const elsewhere =
      unknown.length === 0 ? [] : await this.#remote.settle(keyId, unknown, acknowledged, receipts);
    return syncIds.length - rest.length + elsewhere.length;
  }

  /** Gives what a consumer refuses, as `acknowledge`; resolves once that is written. @returns false: it was not waiting */
  async reject(keyId: string, syncId: string, end: PushEnd): Promise<boolean> {
    const mine = [...(this.#byKey.get(keyId) ?? [])];
    const session = mine.find(one => one.settle(syncId, end));
    if (session !== undefined) {
      await session.written(syncId);
      return true;
    }
    if (mine.some(one => one.isUnwritten(syncId))) return false;
    return (await this.#remote.settle(keyId, [syncId], end, noReceipts)).length > 0;
  }

  /** Another node has written the outcome of these. */
  forget(syncIds: readonly string[]): void {
    for (const of of this.#byShard.values())
      for (const { session } of of) for (const id of syncIds) session.forget(id);
  }

  /**
   * The hub is about to stop: pushes nothing more, and waits for the acknowledgements of what was pushed,
   * `limits.quietMs` at most. What a consumer has handled is then not pushed again by another node.
   */
  async quiet(): Promise<void> {
    this.#isQuiet = true;
    const attached = [...this.#byShard.values()].flatMap(of => [...of]);
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
    for (const of of this.#byShard.values()) for (const { session } of of) session.feed.end();
    await Promise.all(this.#leaving);
    cancel();
  }

  /** Never rejects: what went wrong ends the feed. */
  async #run(session: PushSession, drain: Drain): Promise<void> {
    const { db, log, changes } = this.#deps;
    try {
      const end = await drain.run();
      // A stream that ends says that the subscription is no more: at a stop it is the socket that closes.
      if (!this.#isQuiet) session.feed.end();
      // What it held of a subscription that is deleted went back after the deletion had cancelled what waited.
      if (end === 'closed') changes.note(await cancelOf(db.pool, session.subscriptionId));
    } catch (error) {
      log.warn(
        { subscriptionId: session.subscriptionId, error: messageOf(error) },
        'a consumer could not be served',
      );
      session.feed.end(error instanceof Error ? error : new Error(messageOf(error)));
    } finally {
      session.wroteAll();
    }
  }

  #written(session: PushSession, outcomes: readonly Outcome[], settings: DeliverySettings | undefined): void {
    session.wrote(outcomes.map(({ id }) => id));
    if (settings !== undefined && settings.webhookUrl !== null && outcomes.some(goesToWebhook))
      this.#deps.onWebhooksTurn(session.subscriptionId);
  }

  #leave(attached: Attached): void {
    const leaving = this.#detach(attached)
      .catch((error: unknown) => this.#deps.log.warn({ error: messageOf(error) }, 'detaching'))
      .finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #detach({ session, drain, done }: Attached): Promise<void> {
    const ofSubscription = this.#byShard.get(session.subscriptionId);
    for (const one of ofSubscription ?? []) if (one.session === session) ofSubscription?.delete(one);
    if (ofSubscription?.size === 0) this.#byShard.delete(session.subscriptionId);
    if (this.#byShard.size === 0) this.#deps.onPresence(false);
    drain.stop(this.#giveUp.signal);
    session.close(socketClosed);
    await done;
    // Until here its key's verdicts on what is being written are told that there was one.
    const ofKey = this.#byKey.get(session.keyId);
    ofKey?.delete(session);
    if (ofKey?.size === 0) this.#byKey.delete(session.keyId);
    // After its outcomes are written: what went back is then the webhook's, or the next consumer's, at once.
    await deleteAttachments(this.#deps.db.pool, [session.id]);
    this.#deps.onWebhooksTurn(session.subscriptionId);
  }

  async #poll(): Promise<void> {
    const sessions = [...this.#byShard.values()].flatMap(of => [...of].map(({ session }) => session));
    if (sessions.length === 0) return;
    try {
      await renewAttachments(this.#deps.db.pool, sessions, limits.attachmentLeaseMs);
      this.notify(await dueAmong(this.#deps.db.pool, [...this.#byShard.keys()]));
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'attachments wait for the database');
    }
  }
}
