import type { PoolClient } from 'pg';
import { HubError } from '../core/errors.ts';
import { laneOf } from '../core/lane-key.ts';
import type { RecordOutcome } from '../core/model.ts';
import {
  type EventWrite,
  findVersions,
  lockVouchers,
  type SyncWrite,
  type VoucherWrite,
} from '../db/intake-statements.ts';
import { type Decision, decide, type KnownVersion, type KnownVoucher } from './decide.ts';
import type { Routing } from './routing.ts';
import type { SubscriptionMatcher } from './subscription-index.ts';
import { type PreparedContent, voucherJson } from './voucher-content.ts';
import type { VoucherInput } from './voucher-input.ts';

/** What one input will come to. */
export interface PlannedItem {
  readonly outcome: RecordOutcome;
  readonly voucherId: string;
  /** Its place among the plan's events; null: none. */
  readonly eventIndex: number | null;
  readonly subscriptions: readonly SubscriptionMatcher[];
  /** Of the mutation; null: tracing is off. */
  readonly traceparent: string | null;
}

/** All that one group commit will write. */
export interface RecordingPlan {
  /** One an input, in order. */
  readonly items: (PlannedItem | HubError)[];
  /** The last state of each voucher that changes. */
  readonly vouchers: VoucherWrite[];
  readonly events: EventWrite[];
  readonly unusedIds: string[];
}

/** What a plan is made from. */
export interface PlanInput {
  readonly contents: readonly PreparedContent[];
  readonly routing: Routing;
  /** Ids for vouchers that are new; as many as contents. */
  readonly ids: string[];
  /** The business day, YYYY-MM-DD. */
  readonly today: string;
}

/** Locks the records concerned and works out, input by input, what is new. Reads; does not write. */
export async function planRecording(client: PoolClient, input: PlanInput): Promise<RecordingPlan> {
  const known = await lockKnown(client, input.contents);
  const older = await findOlder(client, input.contents, known);
  const planner = new Planner(input, known, older);
  for (const content of input.contents) planner.add(content);
  return planner.plan();
}

/** The sync log rows of a plan, once its events have ids. @param nextBatch when a subscription's batch is due next */
export function syncsOf(
  plan: RecordingPlan,
  eventIds: readonly string[],
  nextBatch: (cron: string | null) => Date,
): SyncWrite[] {
  return plan.items.flatMap(item => {
    const event =
      item instanceof HubError || item.eventIndex === null ? undefined : plan.events[item.eventIndex];
    if (item instanceof HubError || item.eventIndex === null || event === undefined) return [];
    const eventId = eventIds[item.eventIndex] ?? '';
    return item.subscriptions.map(({ id, mode, batchCron }) => ({
      eventId,
      voucherId: item.voucherId,
      subscriptionId: id,
      eventType: event.event_type,
      sourceSystem: event.source_system,
      mode: mode ?? 'realtime',
      dueAt: mode === 'batch' ? nextBatch(batchCron) : null,
      traceparent: item.traceparent,
    }));
  });
}

/** The lanes that a plan gives something to do at once. */
export function lanesToWake(plan: RecordingPlan): Set<string> {
  const lanes = new Set<string>();
  for (const item of plan.items) {
    if (item instanceof HubError || item.eventIndex === null) continue;
    for (const { id, mode, lanes: count } of item.subscriptions)
      if (mode !== 'batch') lanes.add(laneOf(id, item.voucherId, count));
  }
  return lanes;
}

class Planner {
  readonly #input: PlanInput;
  readonly #known: Map<string, KnownVoucher>;
  readonly #older: Map<string, KnownVersion>;
  readonly #vouchers = new Map<string, VoucherWrite>();
  readonly #events: EventWrite[] = [];
  readonly #items: (PlannedItem | HubError)[] = [];
  readonly #ids: string[];

  constructor(input: PlanInput, known: Map<string, KnownVoucher>, older: Map<string, KnownVersion>) {
    this.#input = input;
    this.#known = known;
    this.#older = older;
    this.#ids = [...input.ids];
  }

  add(content: PreparedContent): void {
    try {
      this.#items.push(this.#planOne(content));
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      this.#items.push(error);
    }
  }

  plan(): RecordingPlan {
    return {
      items: this.#items,
      vouchers: [...this.#vouchers.values()],
      events: this.#events,
      unusedIds: this.#ids,
    };
  }

  #planOne(content: PreparedContent): PlannedItem {
    const { input } = content;
    const traceparent = content.span === null ? null : content.span.traceparent;
    const { catalogue, index } = this.#input.routing;
    const type = catalogue.check(input.eventType, input.businessData);
    const key = keyOf(input);
    const known = this.#known.get(key);
    const decision = decide(content, known, this.#input.today, version =>
      this.#older.get(`${known?.id}/${version}`),
    );
    const id = known?.id ?? this.#ids.shift() ?? '';
    if (decision.outcome === 'duplicate')
      return { outcome: 'duplicate', voucherId: id, eventIndex: null, subscriptions: [], traceparent };
    const state = { id, voucherNo: known?.voucherNo ?? voucherNoOf(id, decision.voucherDate) };
    const eventIndex = this.#addEvent(content, decision, state);
    const version: KnownVersion = { ...decision, status: input.status, eventType: input.eventType };
    this.#older.set(`${id}/${decision.sourceVersion}`, version);
    if (decision.outcome === 'stale')
      return { outcome: 'stale', voucherId: id, eventIndex, subscriptions: [], traceparent };
    this.#known.set(key, { ...version, ...state, voucherDate: decision.voucherDate });
    this.#vouchers.set(id, voucherWrite(content, decision, state));
    const subscriptions = index
      .match({
        eventType: input.eventType,
        sourceSystem: input.sourceSystem,
        companyId: input.companyId ?? null,
      })
      .map(subscription => ({ ...subscription, mode: subscription.mode ?? type.mode }));
    return { outcome: decision.outcome, voucherId: id, eventIndex, subscriptions, traceparent };
  }

  #addEvent(content: PreparedContent, decision: Decision, state: { id: string; voucherNo: string }): number {
    const { input, dataJson } = content;
    this.#events.push({
      event_type: input.eventType,
      voucher_id: state.id,
      source_version: decision.sourceVersion,
      source_system: input.sourceSystem,
      digest: decision.digest,
      data: dataJson,
      voucher: voucherJson(content, { ...decision, voucherNo: state.voucherNo }),
      occurred_at: input.occurredAt?.toISOString() ?? null,
    });
    return this.#events.length - 1;
  }
}

async function lockKnown(
  client: PoolClient,
  contents: readonly PreparedContent[],
): Promise<Map<string, KnownVoucher>> {
  const keys = new Map(contents.map(({ input }) => [keyOf(input), input]));
  // Sorted, so that all commits of all hubs take locks in one order.
  const sorted = [...keys].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, input]) => input);
  const rows = await lockVouchers(client, sorted);
  return new Map(rows.map(row => [keyOf(row), row]));
}

/** Looks up the versions that are not current, where any input names one; most groups need no query. */
async function findOlder(
  client: PoolClient,
  contents: readonly PreparedContent[],
  known: ReadonlyMap<string, KnownVoucher>,
): Promise<Map<string, KnownVersion>> {
  const wanted = contents.flatMap(({ input }) => {
    const voucher = known.get(keyOf(input));
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

function keyOf(record: Pick<VoucherInput, 'sourceSystem' | 'sourceModule' | 'sourceId'>): string {
  // NUL can't occur in the parts (checked at the door), so no two records share a key.
  return `${record.sourceSystem}\0${record.sourceModule}\0${record.sourceId}`;
}

function voucherNoOf(id: string, voucherDate: string): string {
  return `V${voucherDate.replaceAll('-', '')}-${id.padStart(8, '0')}`;
}

function voucherWrite(
  content: PreparedContent,
  decision: Decision,
  state: { id: string; voucherNo: string },
): VoucherWrite {
  const { input, dataJson } = content;
  return {
    id: state.id,
    voucher_no: state.voucherNo,
    voucher_date: decision.voucherDate,
    source_system: input.sourceSystem,
    source_module: input.sourceModule,
    source_type: input.sourceType,
    source_id: input.sourceId,
    source_reference_no: input.sourceReferenceNo ?? null,
    source_version: decision.sourceVersion,
    event_type: input.eventType,
    company_id: input.companyId ?? null,
    counterparty_type: input.counterpartyType ?? null,
    counterparty_id: input.counterpartyId ?? null,
    counterparty_name: input.counterpartyName ?? null,
    direction: input.direction,
    amount: input.amount,
    currency: input.currency,
    summary: input.summary ?? null,
    business_data: dataJson,
    status: input.status,
    digest: decision.digest,
    created_by: input.createdBy ?? null,
  };
}
