import {
  Arg,
  Ctx,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  type SubscribeResolverData,
  Subscription,
} from 'type-graphql';
import { readableTargetSystem, requireRole, writableTargetSystem } from '../access/caller.ts';
import type { Consistency, FixResult } from '../consistency/consistency.ts';
import type { PlanItem } from '../consistency/plan.ts';
import type { PushedQuestion, Questions } from '../consistency/questions.ts';
import type { ConsistencyReports } from '../consistency/reports.ts';
import { badInput } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { JsonObject } from '../core/model.ts';
import type { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import {
  ConsistencyCheckInput,
  ConsistencyDifference,
  ConsistencyQuestion,
  ConsistencyReport,
  FixDataResult,
  FixPlanItemInput,
  NotCompared,
} from '../schema/consistency.types.ts';
import { ListSize } from '../schema/list-size.ts';
import { DateScalar, JSONObjectScalar } from '../schema/scalars.ts';
import { DataSubscription } from '../schema/subscription.types.ts';
import { callerOf, type OperationContext } from './context.ts';
import { toDataSubscription } from './subscription.resolver.ts';

/** Tells whether a repair answers once it has ended. */
const waitArgument = {
  defaultValue: true,
  description: 'False: answers as soon as it is begun; `reports` are RUNNING, and each is read by its id.',
};

/** GraphQL: whether consumers hold what they should, and mending it. */
@Resolver(() => ConsistencyReport)
export class ConsistencyResolver {
  readonly #consistency: Consistency;
  readonly #reports: ConsistencyReports;
  readonly #questions: Questions;
  readonly #subscriptions: Subscriptions;

  constructor(services: {
    consistency: Consistency;
    reports: ConsistencyReports;
    questions: Questions;
    subscriptions: Subscriptions;
  }) {
    this.#consistency = services.consistency;
    this.#reports = services.reports;
    this.#questions = services.questions;
    this.#subscriptions = services.subscriptions;
  }

  @Query(() => ConsistencyReport, {
    nullable: true,
    description: 'One consistency check and what it found; null: there is none with this id.',
  })
  async consistencyReport(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The check.' }) id: string,
  ): Promise<ConsistencyReport | null> {
    return this.#reports.byId(id, await this.#ownIds(readableTargetSystem(callerOf(context))));
  }

  @ListSize('first')
  @Query(() => [ConsistencyReport], { description: 'Newest first.' })
  async consistencyReports(
    @Ctx() context: OperationContext,
    @Arg('subscriptionId', () => ID, {
      nullable: true,
      description: 'Only checks of this subscription; null: of all.',
    })
    subscriptionId: string | null | undefined,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'Most nodes, 0 to 500.' })
    first: number | null,
  ): Promise<ConsistencyReport[]> {
    const system = readableTargetSystem(callerOf(context));
    if ((first ?? 50) < 0 || (first ?? 50) > limits.pageSize)
      throw badInput('first', `first: 0 to ${limits.pageSize}.`);
    if (subscriptionId == null) return this.#reports.list(await this.#ownIds(system), first ?? 50);
    const subscription = await this.#subscriptions.find(subscriptionId, system);
    return subscription === null ? [] : this.#reports.list([subscription.id], first ?? 50);
  }

  @Mutation(() => ConsistencyReport, {
    description:
      'Waits ten seconds for its end; what takes longer is RUNNING, and its report is read by its id.',
  })
  async runConsistencyCheck(
    @Ctx() context: OperationContext,
    @Arg('input', () => ConsistencyCheckInput, { description: 'What is checked.' })
    input: ConsistencyCheckInput,
  ): Promise<ConsistencyReport> {
    const subscription = await this.#subscriptions.get(
      input.subscriptionId,
      writableTargetSystem(callerOf(context)),
    );
    const range = { from: input.from ?? null, to: input.to ?? null };
    return this.#consistency.check(subscription, { range, autoFix: input.autoFix ?? false });
  }

  @Mutation(() => FixDataResult, {
    description:
      'Finds what consumers hold wrongly of one voucher date and, unless it is a dry run, sends it again.',
  })
  async fixData(
    @Ctx() context: OperationContext,
    @Arg('date', () => DateScalar, { description: 'The voucher date, in the business time zone.' })
    date: string,
    @Arg('subscriptionId', () => ID, {
      nullable: true,
      description: 'Only this subscription; null: all that a check can ask.',
    })
    subscriptionId: string | null | undefined,
    @Arg('dryRun', () => Boolean, { defaultValue: true, description: 'True: only list what would be sent.' })
    dryRun: boolean,
    @Arg('wait', () => Boolean, waitArgument) wait: boolean,
  ): Promise<FixDataResult> {
    const system = writableTargetSystem(callerOf(context));
    const subscriptions =
      subscriptionId == null
        ? await this.#subscriptions.list(system)
        : [await this.#subscriptions.get(subscriptionId, system)];
    return toFixDataResult(await this.#consistency.fix(subscriptions, { day: date, dryRun, wait }));
  }

  @Mutation(() => FixDataResult, {
    description:
      'Sends exactly what a dry run listed. CONFLICT, and nothing is sent, where anything of it is no longer so.',
  })
  async applyFixPlan(
    @Ctx() context: OperationContext,
    @Arg('items', () => [FixPlanItemInput], { description: 'Items of a dry run, 10,000 at most.' })
    items: FixPlanItemInput[],
    @Arg('wait', () => Boolean, waitArgument) wait: boolean,
  ): Promise<FixDataResult> {
    const system = writableTargetSystem(callerOf(context));
    if (items.length === 0 || items.length > limits.planItems)
      throw badInput('items', `items: 1 to ${limits.planItems}.`);
    const ids = [...new Set(items.map(({ subscriptionId }) => subscriptionId))];
    const found = await Promise.all(ids.map(id => this.#subscriptions.get(id, system)));
    const byId = new Map(found.map(row => [row.id, row]));
    return toFixDataResult(await this.#consistency.apply(byId, items.map(toPlanItem), { wait }));
  }

  @Subscription(() => ConsistencyQuestion, {
    description: 'Attaches a consumer that answers what the hub asks by the consistency protocol.',
    subscribe: ({
      args,
      context,
    }: SubscribeResolverData<unknown, { subscriptionId: string }, OperationContext>) =>
      context.live.listen(callerOf(context), args.subscriptionId),
  })
  consistencyQuestions(
    @Root() { id, event, filter, prefixes }: PushedQuestion,
    @Arg('subscriptionId', () => ID, { description: 'The subscription whose consumer answers.' })
    _subscriptionId: string,
  ): ConsistencyQuestion {
    return { id, event, from: filter.from, to: filter.to, prefixes };
  }

  @Mutation(() => Boolean, {
    description:
      'The answer to a consistency question: {"nodes": […]} or {"entries": […]} as for the webhook, or {"error": "…"}. False: it is not waited for.',
  })
  answerConsistency(
    @Ctx() context: OperationContext,
    @Arg('questionId', () => ID, { description: 'The question that it answers.' }) questionId: string,
    @Arg('answer', () => JSONObjectScalar, { description: 'Nodes, entries or an error.' }) answer: JsonObject,
  ): Promise<boolean> {
    const caller = callerOf(context);
    requireRole(caller, 'subscriber');
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(questionId))
      throw badInput('questionId', 'questionId: not one that the hub gave.');
    const text = JSON.stringify(answer);
    if (text.length > limits.consistencyAnswerBytes || text.includes('\\u0000'))
      throw badInput('answer', `answer: at most ${limits.consistencyAnswerBytes} bytes, without NUL.`);
    return this.#questions.answer(caller.keyId, questionId, text);
  }

  @FieldResolver(() => DataSubscription)
  async subscription(
    @Ctx() context: OperationContext,
    @Root() report: ConsistencyReport,
  ): Promise<DataSubscription> {
    return toDataSubscription(await context.loaders.subscription.load(report.subscriptionId));
  }

  @ListSize('first')
  @FieldResolver(() => [ConsistencyDifference])
  async differences(
    @Root() { id, subscriptionId }: ConsistencyReport,
    @Arg('first', () => Int, { nullable: true, defaultValue: 100 }) first: number | null,
  ): Promise<ConsistencyDifference[]> {
    if ((first ?? 100) < 0 || (first ?? 100) > limits.planItems)
      throw badInput('first', `first: 0 to ${limits.planItems}.`);
    const rows = await this.#reports.differences(id, first ?? 100);
    return rows.map(row => Object.assign(row, { subscriptionId }));
  }

  async #ownIds(system: string | null): Promise<string[] | null> {
    return system === null ? null : (await this.#subscriptions.list(system)).map(({ id }) => id);
  }
}

/** GraphQL: whose a difference is. */
@Resolver(() => ConsistencyDifference)
export class ConsistencyDifferenceResolver {
  @FieldResolver(() => DataSubscription)
  async subscription(
    @Ctx() context: OperationContext,
    @Root() difference: ConsistencyDifference,
  ): Promise<DataSubscription> {
    return toDataSubscription(await context.loaders.subscription.load(difference.subscriptionId));
  }
}

/** GraphQL: which subscription was left out. */
@Resolver(() => NotCompared)
export class NotComparedResolver {
  @FieldResolver(() => DataSubscription)
  async subscription(
    @Ctx() context: OperationContext,
    @Root() { subscriptionId }: NotCompared,
  ): Promise<DataSubscription> {
    return toDataSubscription(await context.loaders.subscription.load(subscriptionId));
  }
}

function toFixDataResult({ busy, ...result }: FixResult): FixDataResult {
  const reason = 'Another check of it is running; consistencyReports shows it.';
  return { ...result, notCompared: busy.map(({ id: subscriptionId }) => ({ subscriptionId, reason })) };
}

function toPlanItem(item: FixPlanItemInput): PlanItem {
  const { subscriptionId, kind, sourceSystem, sourceModule, sourceId } = item;
  return {
    subscriptionId,
    kind,
    sourceSystem,
    sourceModule,
    sourceId,
    expectedVersion: item.expectedVersion ?? null,
    expectedDigest: item.expectedDigest ?? null,
    actualVersion: item.actualVersion ?? null,
    actualDigest: item.actualDigest ?? null,
  };
}
