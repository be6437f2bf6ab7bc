import { Arg, Ctx, FieldResolver, ID, Int, Mutation, Query, Resolver, Root } from 'type-graphql';
import { mayReadAddresses, readableTargetSystem, writableTargetSystem } from '../access/caller.ts';
import { HubError } from '../core/errors.ts';
import { shownUrl } from '../core/shown-url.ts';
import type { SubscriptionRow } from '../db/entities.ts';
import type { DeliveryTester } from '../delivery/subscription/delivery-test.ts';
import type { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import { ListSize } from '../schema/list-size.ts';
import {
  DataSubscription,
  DataSubscriptionWithSecret,
  DeliveryTest,
  RetryPolicy,
} from '../schema/subscription.types.ts';
import {
  CreateDataSubscriptionInput,
  UpdateDataSubscriptionInput,
} from '../schema/subscription-inputs.types.ts';
import { callerOf, type OperationContext } from './context.ts';

/** GraphQL: the subscriptions of consumers. */
@Resolver(() => DataSubscription)
export class SubscriptionResolver {
  readonly #subscriptions: Subscriptions;
  readonly #tester: DeliveryTester;

  constructor(subscriptions: Subscriptions, tester: DeliveryTester) {
    this.#subscriptions = subscriptions;
    this.#tester = tester;
  }

  @Query(() => DataSubscription, {
    nullable: true,
    description: 'One subscription; null: there is none with this id.',
  })
  async dataSubscription(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The subscription.' }) id: string,
  ): Promise<DataSubscription | null> {
    const row = await this.#subscriptions.find(id, readableTargetSystem(callerOf(context)));
    return row === null ? null : toDataSubscription(row);
  }

  @ListSize(10)
  @Query(() => [DataSubscription], { description: 'Subscriptions that are not deleted.' })
  async dataSubscriptions(
    @Ctx() context: OperationContext,
    @Arg('targetSystem', () => String, {
      nullable: true,
      description: 'Only those of this system; null: all that the key may see.',
    })
    targetSystem: string | null | undefined,
  ): Promise<DataSubscription[]> {
    const own = readableTargetSystem(callerOf(context));
    if (own !== null && targetSystem != null && targetSystem !== own) return [];
    return (await this.#subscriptions.list(targetSystem ?? own)).map(row => toDataSubscription(row));
  }

  @Mutation(() => DataSubscriptionWithSecret, {
    description: 'Subscribes a target system. The secret that signs is in the answer, and never shown again.',
  })
  async createDataSubscription(
    @Ctx() context: OperationContext,
    @Arg('input', () => CreateDataSubscriptionInput, { description: 'The new subscription.' })
    input: CreateDataSubscriptionInput,
  ): Promise<DataSubscriptionWithSecret> {
    const own = writableTargetSystem(callerOf(context));
    if (own !== null && input.targetSystem !== own) {
      throw new HubError('FORBIDDEN', `This key manages subscriptions of ${own} only.`, {
        field: 'targetSystem',
      });
    }
    const made = await this.#subscriptions.create(input);
    return withSecret(made, await this.#tester.foresee(made.subscription));
  }

  @Mutation(() => DataSubscription, {
    description: 'Changes a subscription. Fields that are left out stay as they are.',
  })
  async updateDataSubscription(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The subscription.' }) id: string,
    @Arg('input', () => UpdateDataSubscriptionInput, { description: 'The fields to change.' })
    input: UpdateDataSubscriptionInput,
  ): Promise<DataSubscription> {
    await this.#checkOwn(context, id);
    const { subscription, warnings } = await this.#subscriptions.update(id, input);
    return toDataSubscription(subscription, [...warnings, ...(await this.#tester.foresee(subscription))]);
  }

  @Mutation(() => DataSubscription, {
    description: 'Stops deliveries of a subscription. What is recorded for it is kept.',
  })
  async pauseDataSubscription(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The subscription.' }) id: string,
  ): Promise<DataSubscription> {
    await this.#checkOwn(context, id);
    return toDataSubscription(await this.#subscriptions.pause(id));
  }

  @Mutation(() => DataSubscription, {
    description:
      'Also closes the breaker; delivers what was kept, and what had FAILED because of the connection.',
  })
  async resumeDataSubscription(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The subscription.' }) id: string,
  ): Promise<DataSubscription> {
    await this.#checkOwn(context, id);
    return toDataSubscription(await this.#subscriptions.resume(id));
  }

  @Mutation(() => Boolean, {
    description: 'Deletes a subscription. What waits for it is CANCELLED; its log stays.',
  })
  async deleteDataSubscription(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The subscription.' }) id: string,
  ): Promise<boolean> {
    await this.#checkOwn(context, id);
    await this.#subscriptions.delete(id);
    return true;
  }

  @Mutation(() => DataSubscriptionWithSecret, {
    description: "Both secrets sign until the old one's overlap is over.",
  })
  async rotateDataSubscriptionSecret(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The subscription.' }) id: string,
    @Arg('overlapHours', () => Int, {
      nullable: true,
      defaultValue: 24,
      description: 'How long the old secret signs too, hours, 0 to 168.',
    })
    overlapHours: number | null,
  ): Promise<DataSubscriptionWithSecret> {
    await this.#checkOwn(context, id);
    const made = await this.#subscriptions.rotateSecret(id, overlapHours ?? 24);
    return withSecret(made, await this.#tester.foresee(made.subscription));
  }

  @Mutation(() => DeliveryTest, {
    description: 'Sends the test event to the webhook of a subscription and says what it answered.',
  })
  async testDataSubscription(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The subscription.' }) id: string,
  ): Promise<DeliveryTest> {
    await this.#checkOwn(context, id);
    return this.#tester.test(id);
  }

  @FieldResolver(() => Int)
  backlog(@Ctx() context: OperationContext, @Root() subscription: DataSubscription): Promise<number> {
    return context.loaders.backlog.load(subscription.id);
  }

  @FieldResolver(() => String, { nullable: true })
  webhookUrl(@Ctx() context: OperationContext, @Root() subscription: DataSubscription): string | null {
    return addressFor(context, subscription, subscription.webhookUrl ?? null);
  }

  @FieldResolver(() => String, { nullable: true })
  consistencyUrl(@Ctx() context: OperationContext, @Root() subscription: DataSubscription): string | null {
    return addressFor(context, subscription, subscription.consistencyUrl ?? null);
  }

  async #checkOwn(context: OperationContext, id: string): Promise<void> {
    await this.#subscriptions.get(id, writableTargetSystem(callerOf(context)));
  }
}

/** A subscription as the API shows it: without secrets. */
export function toDataSubscription(row: SubscriptionRow, warnings: string[] = []): DataSubscription {
  const { maxRetries, baseDelayMs, maxDelayMs, jitter } = row;
  const retry: RetryPolicy = { maxRetries, baseDelayMs, maxDelayMs, jitter };
  return {
    id: row.id,
    name: row.name,
    targetSystem: row.targetSystem,
    eventTypes: row.eventTypes,
    sourceSystems: row.sourceSystems,
    companyIds: row.companyIds,
    mode: row.mode,
    batchCron: row.batchCron,
    state: row.state,
    webhookUrl: row.webhookUrl,
    consistencyUrl: row.consistencyUrl,
    autoFix: row.autoFix,
    batchSize: row.batchSize,
    batchMaxBytes: row.batchMaxBytes,
    maxInFlight: row.maxInFlight,
    shards: row.shards,
    rateLimitPerSecond: row.rateLimitPerSecond,
    timeoutMs: row.timeoutMs,
    ackTimeoutMs: row.ackTimeoutMs,
    payloadQuery: row.payloadQuery,
    retry,
    warnings,
    lastSuccessAt: row.lastSuccessAt,
    heldUntil: row.heldUntil != null && row.heldUntil.getTime() > Date.now() ? row.heldUntil : null,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}

function addressFor(
  context: OperationContext,
  { targetSystem }: DataSubscription,
  url: string | null,
): string | null {
  return url === null || mayReadAddresses(callerOf(context), targetSystem) ? url : shownUrl(url);
}

function withSecret(
  made: { subscription: SubscriptionRow; secret: string },
  warnings: string[],
): DataSubscriptionWithSecret {
  return { subscription: toDataSubscription(made.subscription, warnings), secret: made.secret, warnings };
}
