import type { PoolClient } from 'pg';
import { HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { RecordOutcome } from '../core/model.ts';
import { shardNameOf } from '../core/shard-key.ts';
import { findVersions, type LockedVoucher, type RecordKey } from '../db/recording/intake-statements.ts';
import type { EventWrite, SyncWrite } from '../db/recording/recording-statements.ts';
import {
  type DecisionFrame,
  decide,
  type IntakeDecision,
  type KnownVersion,
  type KnownVoucher,
} from './decide.ts';
import type { Routing } from './routing.ts';
import type { SubscriptionMatcher } from './subscription-index.ts';
import { type PreparedContent, recordKeyOf, voucherJson } from './voucher-content.ts';

/** Holds what one input will come to. */
export interface PlannedItem {
  readonly outcome: RecordOutcome;
  readonly voucherId: string;
  /** Null for a duplicate. */
  readonly event: EventWrite | null;
  readonly subscriptions: readonly SubscriptionMatcher[];
  /** Of the mutation; null: tracing is off. */
  readonly traceparent: string | null;
}

/** All that one group commit will write. */
export interface RecordingPlan {
  /** True when no record was known before. */
  readonly isAllNew: boolean;
  /** One an input, in order. */
  readonly items: (PlannedItem | HubError)[];
  readonly events: EventWrite[];
  readonly unusedIds: string[];
}

/** Holds what a plan is made from. */
export interface PlanInput {
  readonly contents: readonly PreparedContent[];
  readonly routing: Routing;
  /** Ids for vouchers that are new; as many as contents. */
  readonly ids: string[];
  readonly frame: DecisionFrame;
}

/** The records that inputs are of, sorted, so that all commits of all hubs take locks in one order. */
export function recordsOf(contents: readonly PreparedContent[]): RecordKey[] {
  const keys = new Map(contents.map(({ key, input }) => [key, input]));
  return [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, input]) => input);
}

/** Works out, input by input, what is new. Reads older versions where it needs them; does not write. */
export async function planRecording(
  client: PoolClient,
  locked: readonly LockedVoucher[],
  input: PlanInput,
): Promise<RecordingPlan> {
  const known = new Map<string, KnownVoucher>(locked.map(row => [recordKeyOf(row), row]));
  const older = await findOlder(client, input.contents, known);
  return new Planner(input, known, older).plan();
}

/** The same for records that are all new: nothing is read. */
export function planAllNew(input: PlanInput): RecordingPlan {
  return new Planner(input, new Map(), new Map()).plan();
}

/** The sync log rows of a plan. @param nextBatch when a subscription's batch is due next */
export function syncsOf(plan: RecordingPlan, nextBatch: (cron: string | null) => Date): SyncWrite[] {
  return plan.items.flatMap(item => {
    if (item instanceof HubError || item.event === null) return [];
    const { place, voucherId, fields } = item.event;
    return item.subscriptions.map(({ id, mode, batchCron }) => ({
      event: place,
      voucherId,
      subscriptionId: id,
      eventType: fields.eventType,
      sourceSystem: fields.sourceSystem,
      mode: mode ?? 'realtime',
      dueAt: mode === 'batch' ? nextBatch(batchCron) : null,
      traceparent: item.traceparent,
    }));
  });
}

/** The shards that a plan gives something to do at once. */
export function shardsToWake(plan: RecordingPlan): Set<string> {
  const shards = new Set<string>();
  for (const item of plan.items) {
    if (item instanceof HubError || item.event === null) continue;
    for (const { id, mode, shards: count } of item.subscriptions)
      if (mode !== 'batch') shards.add(shardNameOf(id, item.voucherId, count));
  }
  return shards;
}

class Planner {
  readonly #input: PlanInput;
  readonly #known: Map<string, KnownVoucher>;
  readonly #older: Map<string, KnownVersion>;
  /** The newest event of each voucher that changes. */
  readonly #newest = new Map<string, EventWrite>();
  readonly #events: EventWrite[] = [];
  readonly #items: (PlannedItem | HubError)[] = [];
  readonly #ids: string[];
  readonly #isAllNew: boolean;
  /** For vouchers whose schema has changed since it judged them: few, as each call's were judged just before. */
  readonly #budget = { left: limits.schemaCallSteps };

  constructor(input: PlanInput, known: Map<string, KnownVoucher>, older: Map<string, KnownVersion>) {
    this.#input = input;
    this.#known = known;
    this.#older = older;
    this.#ids = [...input.ids];
    this.#isAllNew = known.size === 0;
  }

  #add(content: PreparedContent): void {
    try {
      this.#items.push(this.#planOne(content));
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#items.push(error);
    }
  }

  plan(): RecordingPlan {
    for (const content of this.#input.contents) this.#add(content);
    return {
      isAllNew: this.#isAllNew,
      items: this.#items,
      events: this.#events,
      unusedIds: this.#ids,
    };
  }

  #planOne(content: PreparedContent): PlannedItem {
    const { input, key, span } = content;
    const traceparent = span === null ? null : span.traceparent;
    const { catalogue, index } = this.#input.routing;
    const type = catalogue.check(content, this.#budget);
    const known = this.#known.get(key);
    const decision = decide(content, known, this.#input.frame, version =>
      this.#older.get(`${known?.id}/${version}`),
    );
    const { outcome } = decision;
    const id = known?.id ?? this.#ids.shift() ?? '';
    if (outcome === 'duplicate')
      return { outcome, voucherId: id, event: null, subscriptions: [], traceparent };
    const state = { id, voucherNo: known?.voucherNo ?? voucherNoOf(id, decision.voucherDate) };
    const event = this.#addEvent(content, decision, state);
    const version: KnownVersion = { ...decision, status: input.status, eventType: input.eventType };
    this.#older.set(`${id}/${decision.sourceVersion}`, version);
    if (outcome === 'stale') return { outcome, voucherId: id, event, subscriptions: [], traceparent };
    this.#known.set(key, { ...version, ...state });
    this.#makeNewest(event, known === undefined);
    const subscriptions = index
      .match({
        eventType: input.eventType,
        sourceSystem: input.sourceSystem,
        companyId: input.companyId ?? null,
      })
      .map(subscription => ({ ...subscription, mode: subscription.mode ?? type.mode }));
    return { outcome, voucherId: id, event, subscriptions, traceparent };
  }

  #addEvent(
    content: PreparedContent,
    decision: IntakeDecision,
    state: { id: string; voucherNo: string },
  ): EventWrite {
    const { sourceVersion, voucherDate, digest } = decision;
    const event: EventWrite = {
      place: this.#events.length + 1,
      key: content.key,
      fields: content.input,
      voucherId: state.id,
      voucherNo: state.voucherNo,
      voucherDate,
      sourceVersion,
      digest,
      dataJson: content.dataJson,
      voucherJson: voucherJson(content, { sourceVersion, voucherDate, voucherNo: state.voucherNo, digest }),
      row: 'none',
    };
    this.#events.push(event);
    return event;
  }

  /** Its voucher's row is written once, in the last of the states that it goes through in this group. */
  #makeNewest(event: EventWrite, isNew: boolean): void {
    const before = this.#newest.get(event.voucherId);
    event.row = before?.row ?? (isNew ? 'insert' : 'update');
    if (before !== undefined) before.row = 'none';
    this.#newest.set(event.voucherId, event);
  }
}

/** Looks up the versions that are not current, where any input names one; most groups need no query. */
async function findOlder(
  client: PoolClient,
  contents: readonly PreparedContent[],
  known: ReadonlyMap<string, KnownVoucher>,
): Promise<Map<string, KnownVersion>> {
  const wanted = contents.flatMap(({ input, key }) => {
    const voucher = known.get(key);
    const version = input.sourceVersion ?? undefined;
    if (voucher === undefined || version === undefined || version >= voucher.sourceVersion) return [];
    return [{ voucherId: voucher.id, sourceVersion: version }];
  });
  const rows = wanted.length === 0 ? [] : await findVersions(client, wanted);
  const older = new Map<string, KnownVersion>(
    rows.map(row => [`${row.voucherId}/${row.sourceVersion}`, row]),
  );
  // The versions that are current now may be older ones by the end of this group.
  for (const voucher of known.values()) older.set(`${voucher.id}/${voucher.sourceVersion}`, voucher);
  return older;
}

function voucherNoOf(id: string, voucherDate: string): string {
  return `V${voucherDate.replaceAll('-', '')}-${id.padStart(8, '0')}`;
}
