import type { GraphQLResolveInfo } from 'graphql';
import { Arg, Ctx, FieldResolver, ID, Info, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { type Caller, requireRole, visibleSourceSystem, visibleTargetSystem } from '../access/caller.ts';
import { badInput, HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { JsonObject, SyncMode } from '../core/model.ts';
import { shownValue } from '../core/shown-value.ts';
import type { EventTypes } from '../intake/event-types.ts';
import type { Intake, RecordResult } from '../intake/record-vouchers.ts';
import type { VoucherInput } from '../intake/voucher-input.ts';
import { VoucherReader } from '../intake/voucher-reader.ts';
import { SyncModeEnum } from '../schema/enums.ts';
import { ListSize } from '../schema/list-size.ts';
import { DateTimeScalar, JSONObjectScalar } from '../schema/scalars.ts';
import { SyncLog } from '../schema/sync.types.ts';
import {
  EventType,
  RecordVoucherInput,
  RecordVoucherResult,
  RecordVouchersItem,
  Voucher,
  VoucherConnection,
  VoucherFilter,
  VoucherRef,
  VoucherVersion,
} from '../schema/voucher.types.ts';
import { callerOf, type OperationContext } from './context.ts';
import { nestedList } from './nested-list.ts';
import { pageOf, pageRequest } from './page.ts';

/** GraphQL: recording and reading vouchers. */
@Resolver(() => Voucher)
export class VoucherResolver {
  readonly #intake: Intake;
  readonly #reader: VoucherReader;
  readonly #eventTypes: EventTypes;

  constructor(intake: Intake, reader: VoucherReader, eventTypes: EventTypes) {
    this.#intake = intake;
    this.#reader = reader;
    this.#eventTypes = eventTypes;
  }

  @Mutation(() => RecordVoucherResult, {
    description: 'Records one version of a voucher. An answer means that it is on disk.',
  })
  async recordVoucher(
    @Ctx() context: OperationContext,
    @Arg('input', () => RecordVoucherInput, { description: 'The voucher.' }) input: RecordVoucherInput,
  ): Promise<RecordVoucherResult> {
    const caller = callerOf(context);
    requireRole(caller, 'publisher');
    checkSystem(caller, input);
    const [result] = await this.#intake.record([toVoucherInput(input)]);
    if (result === undefined || result instanceof HubError)
      throw result ?? new HubError('INTERNAL_SERVER_ERROR', 'No result.');
    return result;
  }

  @ListSize('inputs')
  @Mutation(() => [RecordVouchersItem], {
    description: 'Up to 1,000 at once; a refused item does not stop the others.',
  })
  async recordVouchers(
    @Ctx() context: OperationContext,
    @Arg('inputs', () => [RecordVoucherInput], {
      description: 'Vouchers, 1,000 at most. They are refused item by item.',
    })
    inputs: RecordVoucherInput[],
  ): Promise<RecordVouchersItem[]> {
    const caller = callerOf(context);
    requireRole(caller, 'publisher');
    if (inputs.length > limits.recordBatch)
      throw badInput('inputs', `inputs: at most ${limits.recordBatch} at once; these are ${inputs.length}.`);
    const foreign = inputs.map(input => isForeign(caller, input));
    const results = await this.#intake.record(
      inputs.filter((_, index) => !foreign[index]).map(toVoucherInput),
    );
    let at = 0;
    return inputs.map((input, index) =>
      toItem(index, foreign[index] ? foreignSystem(caller, input) : results[at++]),
    );
  }

  @Query(() => Voucher, { nullable: true, description: 'One voucher; null: there is none with this id.' })
  async voucher(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The voucher.' }) id: string,
  ): Promise<Voucher | null> {
    const caller = callerOf(context);
    if (!/^\d{1,18}$/.test(id)) return null;
    return this.#visible(caller, await this.#reader.byId(id));
  }

  @Query(() => Voucher, {
    nullable: true,
    description: 'What a consumer asks when its cached version may be behind.',
  })
  async voucherBySource(
    @Ctx() context: OperationContext,
    @Arg('sourceSystem', () => String, { description: 'System that records the voucher.' })
    sourceSystem: string,
    @Arg('sourceModule', () => String, { description: 'Module of the source system.' }) sourceModule: string,
    @Arg('sourceId', () => String, { description: 'Id of the record in its system.' }) sourceId: string,
  ): Promise<Voucher | null> {
    const caller = callerOf(context);
    return this.#visible(caller, await this.#reader.bySource({ sourceSystem, sourceModule, sourceId }));
  }

  @ListSize('refs')
  @Query(() => [VoucherVersion], {
    nullable: 'items',
    description:
      'The versions of up to 1,000 records, in the order asked for: what a consumer asks before it uses its copies. Null: none that the key may see.',
  })
  async voucherVersions(
    @Ctx() context: OperationContext,
    @Arg('refs', () => [VoucherRef], { description: 'Source records, 1,000 at most.' }) refs: VoucherRef[],
  ): Promise<(VoucherVersion | null)[]> {
    const caller = callerOf(context);
    return this.#reader.versions(refs, {
      sourceSystem: visibleSourceSystem(caller),
      targetSystem: visibleTargetSystem(caller),
    });
  }

  @ListSize('first')
  @Query(() => VoucherConnection, { description: 'Vouchers, the newest first.' })
  async vouchers(
    @Ctx() context: OperationContext,
    @Arg('filter', () => VoucherFilter, {
      nullable: true,
      description: 'Only vouchers that match all its fields; null: all.',
    })
    filter: VoucherFilter | null | undefined,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'Most nodes, 0 to 500.' })
    first: number | null,
    @Arg('after', () => String, { nullable: true, description: 'The cursor after which the page begins.' })
    after: string | null | undefined,
  ): Promise<VoucherConnection> {
    const caller = callerOf(context);
    requireRole(caller, 'publisher', 'analyst');
    const request = pageRequest(first, after);
    const own = visibleSourceSystem(caller);
    const page = { limit: request.first + 1, belowId: request.belowId };
    const rows = await context.reading.list(db => new VoucherReader(db).page(filter ?? {}, own, page));
    const count = () => context.reading.follow(db => new VoucherReader(db).count(filter ?? {}, own));
    return { ...pageOf(rows, request), count };
  }

  @ListSize(10)
  @Query(() => [EventType], { description: 'The catalogue of event types.' })
  eventTypes(@Ctx() context: OperationContext): Promise<EventType[]> {
    callerOf(context);
    return this.#eventTypes.list();
  }

  @Mutation(() => EventType, {
    description: 'Adds an event type to the catalogue, or changes the one of this name.',
  })
  upsertEventType(
    @Ctx() context: OperationContext,
    @Arg('name', () => String, { description: 'Its name, such as invoice_recorded.' }) name: string,
    @Arg('description', () => String, { nullable: true, description: 'What it means, for people.' })
    description: string | null | undefined,
    @Arg('mode', () => SyncModeEnum, {
      description: 'When its events go out where the subscription does not say.',
    })
    mode: SyncMode,
    @Arg('schema', () => JSONObjectScalar, {
      nullable: true,
      description: 'A JSON Schema (draft 2020-12) that business data must fit; null: none.',
    })
    schema: JsonObject | null | undefined,
  ): Promise<EventType> {
    requireRole(callerOf(context));
    return this.#eventTypes.upsert({ name, description: description ?? null, mode, schema: schema ?? null });
  }

  @FieldResolver(() => String, { nullable: true })
  async createdBy(@Ctx() context: OperationContext, @Root() voucher: Voucher): Promise<string | null> {
    return (await whole(context, voucher)).createdBy ?? null;
  }

  @FieldResolver(() => DateTimeScalar)
  async createdAt(@Ctx() context: OperationContext, @Root() voucher: Voucher): Promise<Date | undefined> {
    return (await whole(context, voucher)).createdAt;
  }

  @FieldResolver(() => DateTimeScalar)
  async updatedAt(@Ctx() context: OperationContext, @Root() voucher: Voucher): Promise<Date | undefined> {
    return (await whole(context, voucher)).updatedAt;
  }

  @FieldResolver(() => JSONObjectScalar)
  businessData(
    @Ctx() { loaders }: OperationContext,
    @Root() voucher: Voucher,
  ): Promise<JsonObject> | JsonObject {
    return voucher.businessData ?? loaders.dataOfVoucher.load(voucher.id);
  }

  @ListSize(10)
  @FieldResolver(() => [SyncLog], {
    description:
      'How this record stands with every subscription it was sent to, the newest first: 1,000 at most, with a warning beside the data where there are more.',
  })
  async syncLogs(
    @Ctx() context: OperationContext,
    @Root() voucher: Voucher,
    @Info() info: GraphQLResolveInfo,
  ): Promise<SyncLog[]> {
    requireRole(callerOf(context), 'subscriber', 'analyst');
    const hint = `These are the ${limits.nestedList} newest syncs of voucher ${voucher.id}; syncLogs(filter: {voucherId: "${voucher.id}"}) has all, by pages.`;
    const rows = await context.loaders.syncsOfVoucher.load(voucher.id);
    return nestedList(rows, { context, info, keep: 'first', hint });
  }

  async #visible(caller: Caller, voucher: Voucher | null): Promise<Voucher | null> {
    if (voucher === null) return null;
    const source = visibleSourceSystem(caller);
    if (source !== null && voucher.sourceSystem !== source) return null;
    const target = visibleTargetSystem(caller);
    if (target === null) return voucher;
    return (await this.#reader.wasSentTo(voucher.id, target)) ? voucher : null;
  }
}

function toVoucherInput(input: RecordVoucherInput): VoucherInput {
  return Object.assign(input, { status: input.status ?? 'approved' });
}

function isForeign(caller: Caller, input: RecordVoucherInput): boolean {
  return caller.role === 'publisher' && input.sourceSystem !== caller.system;
}

function foreignSystem(caller: Caller, input: RecordVoucherInput): HubError {
  return new HubError(
    'FORBIDDEN',
    `This key records vouchers of ${caller.system}, not of ${shownValue(input.sourceSystem)}.`,
    { field: 'sourceSystem' },
  );
}

function checkSystem(caller: Caller, input: RecordVoucherInput): void {
  if (isForeign(caller, input)) throw foreignSystem(caller, input);
}

function toItem(index: number, result: RecordResult | undefined): RecordVouchersItem {
  if (result === undefined)
    return { index, result: null, error: { code: 'INTERNAL_SERVER_ERROR', message: 'No result.' } };
  if (result instanceof HubError)
    return {
      index,
      result: null,
      error: { code: result.code, message: result.message, field: result.field ?? null },
    };
  return { index, result, error: null };
}

/** The voucher with what a pushed event does not carry of it. */
async function whole(
  context: OperationContext,
  voucher: Voucher,
): Promise<Pick<Voucher, 'createdBy' | 'createdAt' | 'updatedAt'>> {
  return voucher.updatedAt === undefined ? context.loaders.voucher.load(voucher.id) : voucher;
}
