import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import type { SubscriptionState, SyncMode } from '../core/model.ts';
import { DataSubscriptionStateEnum, SyncModeEnum } from './enums.ts';
import { ListSize } from './list-size.ts';
import { DateTimeScalar } from './scalars.ts';

/** GraphQL: how a failed attempt is tried again. */
@ObjectType()
export class RetryPolicy {
  @Field(() => Int, { description: 'Retries after the first attempt; then the sync waits for a person.' })
  maxRetries!: number;
  @Field(() => Int) baseDelayMs!: number;
  @Field(() => Int) maxDelayMs!: number;
  @Field(() => Float, { description: 'Share of the delay that is added at random, 0 to 1.' }) jitter!: number;
}

/** GraphQL: what was over within some minutes. */
@ObjectType()
export class RecentOutcomes {
  @Field(() => Int) succeeded!: number;
  @Field(() => Int, { description: 'FAILED.' }) failed!: number;
}

/** GraphQL: a consumer's subscription. */
@ObjectType()
export class DataSubscription {
  @Field(() => ID) id!: string;
  @Field(() => String) name!: string;
  @Field(() => String) targetSystem!: string;
  @ListSize(10)
  @Field(() => [String], { description: 'Names from the catalogue, a prefix with a star (invoice_*), or *.' })
  eventTypes!: string[];
  @ListSize(10)
  @Field(() => [String], { nullable: true, description: 'Null: all.' })
  sourceSystems?: string[] | null;
  @ListSize(10)
  @Field(() => [String], { nullable: true, description: 'Null: all.' })
  companyIds?: string[] | null;
  @Field(() => SyncModeEnum, { nullable: true, description: 'Null: as the event type says.' })
  mode?: SyncMode | null;
  @Field(() => String, {
    nullable: true,
    description:
      'When its BATCH events are due, in the business time zone: minute hour day month weekday. Null: 0 2 * * *, every night at 02:00.',
  })
  batchCron?: string | null;
  @Field(() => DataSubscriptionStateEnum) state!: SubscriptionState;
  @Field(() => String, {
    nullable: true,
    description:
      'Whole for the keys of its target system and of administrators; for others without its query and what looks like a token, which stand as `…`. So is consistencyUrl.',
  })
  webhookUrl?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'Where the consumer answers consistency digests; null: none.',
  })
  consistencyUrl?: string | null;
  @Field(() => Boolean, { description: 'Whether scheduled consistency checks send again what differs.' })
  autoFix!: boolean;
  @Field(() => Int, { description: 'One event a request at 1; above it, requests carry up to that many.' })
  batchSize!: number;
  @Field(() => Int, {
    description:
      'Most bytes of the body of a request with several events; an event that is larger goes alone.',
  })
  batchMaxBytes!: number;
  @Field(() => Int, { description: 'Requests under way at once.' }) maxInFlight!: number;
  @Field(() => Int, {
    description:
      'Drains that its events are spread over by source record, 1 to 16; more than maxInFlight are not used. Window and rate limit are split among them.',
  })
  shards!: number;
  @Field(() => Int, { nullable: true, description: 'Requests a second. Null: unlimited.' })
  rateLimitPerSecond?: number | null;
  @Field(() => Int) timeoutMs!: number;
  @Field(() => Int, { description: 'How long an attached consumer has to acknowledge an event.' })
  ackTimeoutMs!: number;
  @Field(() => String, {
    nullable: true,
    description: 'A GraphQL selection on VoucherEvent that shapes `data`; null: the business data.',
  })
  payloadQuery?: string | null;
  @Field(() => RetryPolicy) retry!: RetryPolicy;
  @ListSize(10)
  @Field(() => [String], {
    description:
      'In the answer of createDataSubscription, updateDataSubscription and rotateDataSubscriptionSecret: what will keep events from it: a webhookUrl or consistencyUrl that the hub will not reach, as far as the address tells; a pattern of eventTypes that covers no event type; a secret that the public Standard Webhooks libraries do not verify. Also what becomes of waiting events that a changed selection no longer covers. Elsewhere empty; testDataSubscription tries the webhook.',
  })
  warnings!: string[];
  @Field(() => DateTimeScalar, { nullable: true }) lastSuccessAt?: Date | null;
  @Field(() => DateTimeScalar, {
    nullable: true,
    description:
      'The webhook is sent nothing before: it asked for a pause (429, or 503 with Retry-After). Null: it did not, or the pause is over.',
  })
  heldUntil?: Date | null;
  @Field(() => DateTimeScalar) createdAt!: Date;
  @Field(() => DateTimeScalar) updatedAt!: Date;
}

/** GraphQL: a subscription with the secret that was just made for it. */
@ObjectType()
export class DataSubscriptionWithSecret {
  @Field(() => DataSubscription) subscription!: DataSubscription;
  @Field(() => String, { description: 'Shown this once.' }) secret!: string;
  @ListSize(10)
  @Field(() => [String], { description: 'The same as `subscription.warnings`.' })
  warnings!: string[];
}

/** GraphQL: what a test request came to. */
@ObjectType()
export class DeliveryTest {
  @Field(() => Boolean) ok!: boolean;
  @Field(() => Int, { nullable: true }) statusCode?: number | null;
  @Field(() => Int) latencyMs!: number;
  @Field(() => String, { nullable: true }) errorCode?: string | null;
  @Field(() => String, { nullable: true }) errorMessage?: string | null;
}
