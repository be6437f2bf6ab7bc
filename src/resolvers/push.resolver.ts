import {
  Arg,
  Ctx,
  FieldResolver,
  ID,
  Int,
  Mutation,
  Resolver,
  Root,
  type SubscribeResolverData,
  Subscription,
} from 'type-graphql';
import { requireRole } from '../access/caller.ts';
import { badInput, HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { checkId } from '../db/reading/filters.ts';
import type { Attachments } from '../delivery/push/attachments.ts';
import { checkRejectCode } from '../delivery/push/reject-code.ts';
import type { Push } from '../delivery/push/session.ts';
import type { SyncReader } from '../delivery/reading/sync-reader.ts';
import { Delivery } from '../schema/delivery.types.ts';
import { DataSubscription } from '../schema/subscription.types.ts';
import { SyncLog } from '../schema/sync.types.ts';
import { callerOf, type OperationContext } from './context.ts';
import { toDelivery } from './pushed-event.ts';

/** Holds what `deliveries` takes. */
interface AttachArgs {
  readonly subscriptionId: string;
  readonly prefetch?: number | null;
}

/** GraphQL: the push to attached consumers (contract, "The push"). */
@Resolver(() => DataSubscription)
export class PushResolver {
  readonly #attachments: Attachments;
  readonly #reader: SyncReader;

  constructor(attachments: Attachments, reader: SyncReader) {
    this.#attachments = attachments;
    this.#reader = reader;
  }

  @Subscription(() => Delivery, {
    description: 'Attaches to a subscription; up to `prefetch` may be unacknowledged.',
    subscribe: ({ args, context }: SubscribeResolverData<unknown, AttachArgs, OperationContext>) =>
      context.live.attach(callerOf(context), { ...args, prefetch: args.prefetch ?? 100 }),
  })
  deliveries(
    @Root() push: Push,
    @Arg('subscriptionId', () => ID, { description: 'The subscription whose events it takes.' })
    _subscriptionId: string,
    @Arg('prefetch', () => Int, {
      nullable: true,
      defaultValue: 100,
      description: 'Events that may be unacknowledged at once, 1 to 500.',
    })
    _prefetch: number | null,
  ): Delivery {
    return toDelivery(push);
  }

  @Mutation(() => Int, {
    description: 'From a consumer attached over graphql-ws. Returns how many were waiting for it.',
  })
  async acknowledge(
    @Ctx() context: OperationContext,
    @Arg('syncIds', () => [ID], { description: 'Syncs that are safe at the consumer, 1,000 at most.' })
    syncIds: string[],
    @Arg('receipts', () => [String], {
      nullable: 'itemsAndList',
      description:
        "For each of syncIds: the hex HMAC-SHA256 of its bodyDigest under the subscription's secret, or null.",
    })
    receipts?: (string | null)[] | null,
  ): Promise<number> {
    const keyId = consumerKey(context);
    if (syncIds.length > limits.acknowledgeBatch)
      throw badInput('syncIds', `syncIds: at most ${limits.acknowledgeBatch} at once.`);
    const ids = [...new Set(syncIds.map(id => checkId('syncIds', id)))];
    return this.#attachments.acknowledge(keyId, ids, receiptsOf(syncIds, receipts ?? []));
  }

  @Mutation(() => SyncLog, { description: 'Refuses an event; not retryable: it is FAILED.' })
  async reject(
    @Ctx() context: OperationContext,
    @Arg('syncId', () => ID, { description: 'The sync that is refused.' }) syncId: string,
    @Arg('code', () => String, {
      description: 'Why, in a word of the consumer: 1 to 64 letters, digits and _ . : -',
    })
    code: string,
    @Arg('message', () => String, { nullable: true, description: 'Why, for people.' }) message:
      | string
      | null
      | undefined,
    @Arg('retryable', () => Boolean, { defaultValue: true, description: 'True: it is tried again.' })
    retryable: boolean,
  ): Promise<SyncLog> {
    const keyId = consumerKey(context);
    checkRejectCode(code);
    const errorMessage = message?.replaceAll('\0', '').slice(0, limits.excerptChars) ?? null;
    const verdict = retryable ? 'unacknowledged' : 'data';
    const id = checkId('syncId', syncId);
    const rejected = await this.#attachments.reject(keyId, id, { verdict, errorCode: code, errorMessage });
    const sync = rejected ? await this.#reader.byId(id, null) : null;
    if (sync === null) {
      throw new HubError(
        'NOT_FOUND',
        `Sync ${id} is not waiting for you: it was settled, its deadline passed, or its socket closed.`,
      );
    }
    return sync;
  }

  @FieldResolver(() => Boolean, { description: 'True while a consumer is attached over graphql-ws.' })
  connected(@Ctx() context: OperationContext, @Root() subscription: DataSubscription): Promise<boolean> {
    return context.loaders.connected.load(subscription.id);
  }
}

/** @throws HubError BAD_USER_INPUT where there are some, and not one for each */
function receiptsOf(syncIds: readonly string[], receipts: readonly (string | null)[]): Map<string, string> {
  if (receipts.length > 0 && receipts.length !== syncIds.length)
    throw badInput('receipts', 'receipts: as many as syncIds, in their order; null where there is none.');
  return new Map(syncIds.flatMap((id, at) => (receipts[at] == null ? [] : [[id, receipts[at]]])));
}

function consumerKey(context: OperationContext): string {
  const caller = callerOf(context);
  requireRole(caller, 'subscriber');
  return caller.keyId;
}
