import { limits } from '../../core/limits.ts';
import type { SubscriptionState, TransportKind } from '../../core/model.ts';
import type { ClaimedSync, DeliverySettingsRow, DuePart } from '../../db/delivery/shard-statements.ts';
import type { Outcome } from '../outcome/judge.ts';
import type { DeliverySettings, Transport } from './delivery-settings.ts';

/** Says how many syncs to claim now, and from how much room on it is worth a statement. */
export interface Appetite {
  readonly wanted: number;
  readonly least: number;
  /** Waiting syncs at which it is worth looking again. */
  readonly refillAt: number;
}

/** Holds what a drain has: claimed syncs that wait, by their part of what is due, and requests under way. */
export interface DrainStock extends Readonly<Record<DuePart, number>> {
  readonly underWay: number;
}

/** In what a drain for a webhook and one for an attached consumer differ; all else is the same code. */
export interface DrainMode {
  readonly kind: TransportKind;
  readonly transport: Transport;
  /** The attachment in whose name it claims; null: a webhook's. */
  readonly attachmentId: string | null;
  /** True: it lives until it is stopped. False: it ends once its shard is empty or closed. */
  readonly stays: boolean;
  /** Says how long settings read from the database are used, milliseconds. Claims check the subscription's state by themselves. */
  readonly settingsForMs: number;
  /** Requests under way at most. */
  windowOf(settings: DeliverySettings): number;
  /** Tells whether the next sync may be sent beside those under way. */
  takes(sync: ClaimedSync): boolean;
  /** Syncs in one request at most. */
  batchOf(settings: DeliverySettings): number;
  /** The states in which claims give anything. */
  readonly states: readonly SubscriptionState[];
  /** Tells whether the shard takes anything in this mode, within a moment. */
  isOpen(row: DeliverySettingsRow): boolean;
  appetite(settings: DeliverySettings, held: DrainStock): Appetite;
  /** Syncs of a nightly batch to claim at most. */
  batchRoom(settings: DeliverySettings, held: DrainStock): number;
  /** Told of outcomes once they are written. */
  onWritten(outcomes: readonly Outcome[], settings: DeliverySettings | undefined): void;
  /** Told of outcomes that will not be written. */
  onDropped(outcomes: readonly Outcome[]): void;
  /** Told that the shard takes nothing any more, before what is under way is waited for. */
  onClosed(): void;
}

/** Holds what a drain drains, and how. */
export interface DrainedShard {
  readonly subscriptionId: string;
  /** Null: the whole subscription. */
  readonly index: number | null;
  readonly mode: DrainMode;
  /** Tells whether other shards may be waiting for this one's place; only then does its turn end. */
  readonly isCrowded: () => boolean;
}

/** Requests to a webhook: claims ahead, so that no slot waits for the database. */
export function webhookMode(transport: Transport): DrainMode {
  return {
    kind: 'webhook',
    transport,
    attachmentId: null,
    stays: false,
    // It claims ahead: this is how long after a pause an attempt may still begin.
    settingsForMs: 250,
    windowOf: settings => settings.maxInFlight,
    takes: () => true,
    batchOf: settings => settings.batchSize,
    states: ['active'],
    isOpen: ({ state, webhookUrl, heldSinceMs }) =>
      state === 'active' && webhookUrl !== null && (heldSinceMs ?? 0) >= -limits.drainAwaitRetryMs,
    appetite(settings, { prompt }) {
      const window = settings.maxInFlight * settings.batchSize;
      const room = Math.max(settings.batchSize, Math.min(window * 8, limits.claimAhead));
      return { wanted: room - prompt, least: room / 2, refillAt: room / 2 };
    },
    // Each shard has its share of the burst.
    batchRoom: settings => Math.max(1, Math.floor(limits.batchBurst / settings.shards)),
    onWritten() {},
    onDropped() {},
    onClosed() {},
  };
}

/** A consumer's window, and how much of it is taken up. */
interface PushTransport extends Transport {
  /** Events that are unacknowledged. */
  readonly held: number;
  /** Places that they take up, as `placesOf` has it. */
  readonly places: number;
}

/**
 * Says how many places of its consumer's window an event takes up: one, and twice as many with each further socket in a row
 * that closed on it. Of a window that closes again and again ever fewer go together so, and the one that kills its
 * consumer is alone when it is FAILED. The first time is a restart like any other.
 */
export function placesOf({ closedSockets }: Pick<ClaimedSync, 'closedSockets'>): number {
  return 2 ** Math.max(0, closedSockets - 1);
}

/** An attached consumer, as its drain sees it. */
interface PushModeOptions extends Pick<DrainMode, 'onWritten' | 'onDropped' | 'onClosed'> {
  readonly attachmentId: string;
  readonly prefetch: number;
}

/**
 * Pushes to an attached consumer: holds no more than what may be unacknowledged, for others may share the subscription. What of
 * a nightly batch waits for its half of the window does not count: it would keep the other half's events from being claimed.
 */
export function pushMode(
  transport: PushTransport,
  { attachmentId, prefetch, onWritten, onDropped, onClosed }: PushModeOptions,
): DrainMode {
  const room = ({ prompt, underWay }: DrainStock) => prefetch - prompt - Math.max(underWay, transport.places);
  return {
    kind: 'websocket',
    transport,
    attachmentId,
    stays: true,
    // What it claims it pushes at once, and nodes tell one another of changes: this is for a message that got lost.
    settingsForMs: 5_000,
    windowOf: () => transport.held + Math.max(0, prefetch - transport.places),
    takes: sync => transport.held === 0 || transport.places + placesOf(sync) <= prefetch,
    batchOf: () => 1,
    // The breaker is the webhook's: a consumer that is attached is there, whatever its webhook does.
    states: ['active', 'suspended'],
    isOpen: row => row.state !== 'paused',
    appetite: (_lane, held) => ({ wanted: room(held), least: Math.max(1, prefetch / 8), refillAt: prefetch }),
    batchRoom: (_lane, held) => Math.min(room(held), limits.batchBurst),
    onWritten,
    onDropped,
    onClosed,
  };
}
