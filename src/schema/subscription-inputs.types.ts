import { Field, Float, InputType, Int } from 'type-graphql';
import type { SyncMode } from '../core/model.ts';
import { SyncModeEnum } from './enums.ts';

/** GraphQL: a retry policy as it is given. */
@InputType()
export class RetryPolicyInput {
  @Field(() => Int, {
    nullable: true,
    defaultValue: 3,
    description: 'Retries after the first attempt, 0 to 100; then the sync waits for a person.',
  })
  maxRetries?: number | null;
  @Field(() => Int, {
    nullable: true,
    defaultValue: 1_000,
    description: 'The pause before the first retry, milliseconds; each later one is twice as long.',
  })
  baseDelayMs?: number | null;
  @Field(() => Int, {
    nullable: true,
    defaultValue: 600_000,
    description: 'The longest pause, milliseconds.',
  })
  maxDelayMs?: number | null;
  @Field(() => Float, {
    nullable: true,
    defaultValue: 0.1,
    description: 'Share of the pause that is added at random, 0 to 1.',
  })
  jitter?: number | null;
}

/** GraphQL: a new subscription. */
@InputType()
export class CreateDataSubscriptionInput {
  @Field(() => String, { description: 'A name for people; one target system has it once.' }) name!: string;
  @Field(() => String, {
    description: 'The system that receives the events; a SUBSCRIBER key is bound to one.',
  })
  targetSystem!: string;
  @Field(() => [String], { description: 'Names from the catalogue, a prefix with a star (invoice_*), or *.' })
  eventTypes!: string[];
  @Field(() => [String], { nullable: true, description: 'Only events of these systems; null: all.' })
  sourceSystems?: string[] | null;
  @Field(() => [String], { nullable: true, description: 'Only events of these companies; null: all.' })
  companyIds?: string[] | null;
  @Field(() => SyncModeEnum, {
    nullable: true,
    description: 'REALTIME or BATCH for all its events; null: as the event type says.',
  })
  mode?: SyncMode | null;
  @Field(() => String, { nullable: true, description: 'Left out: 0 2 * * *, every night at 02:00.' })
  batchCron?: string | null;
  @Field(() => String, { nullable: true, description: 'Left out: delivered over graphql-ws only.' })
  webhookUrl?: string | null;
  @Field(() => String, { nullable: true, description: 'Left out: the hub makes one.' }) secret?:
    | string
    | null;
  @Field(() => String, {
    nullable: true,
    description: 'Where the consumer answers consistency digests; null: none.',
  })
  consistencyUrl?: string | null;
  @Field(() => Boolean, {
    nullable: true,
    defaultValue: false,
    description: 'Scheduled checks send again what differs.',
  })
  autoFix?: boolean | null;
  @Field(() => Int, { nullable: true, defaultValue: 1, description: 'Most events in one request, 1 to 100.' })
  batchSize?: number | null;
  @Field(() => Int, {
    nullable: true,
    defaultValue: 1_048_576,
    description: 'Most bytes of the body of a request with several events, 1024 to 104857600.',
  })
  batchMaxBytes?: number | null;
  @Field(() => Int, {
    nullable: true,
    defaultValue: 32,
    description: 'Requests that may be under way at once, 1 to 256.',
  })
  maxInFlight?: number | null;
  @Field(() => Int, {
    nullable: true,
    defaultValue: 1,
    description: 'Drains that it is spread over, 1 to 16.',
  })
  shards?: number | null;
  @Field(() => Int, { nullable: true, description: 'Requests a second at most; null: unlimited.' })
  rateLimitPerSecond?: number | null;
  @Field(() => Int, {
    nullable: true,
    defaultValue: 30_000,
    description: 'How long a request may take, milliseconds.',
  })
  timeoutMs?: number | null;
  @Field(() => Int, {
    nullable: true,
    defaultValue: 30_000,
    description: 'How long an attached consumer may take to acknowledge, milliseconds.',
  })
  ackTimeoutMs?: number | null;
  @Field(() => String, {
    nullable: true,
    description: 'A GraphQL selection on VoucherEvent that shapes `data`; null: the business data.',
  })
  payloadQuery?: string | null;
  @Field(() => RetryPolicyInput, {
    nullable: true,
    description: 'When and how often a failed attempt is repeated.',
  })
  retry?: RetryPolicyInput | null;
}

/** GraphQL: changes of a subscription; what is left out stays. */
@InputType()
export class UpdateDataSubscriptionInput {
  @Field(() => String, { nullable: true, description: 'A name for people; one target system has it once.' })
  name?: string | null;
  @Field(() => [String], {
    nullable: true,
    description: 'Names from the catalogue, a prefix with a star (invoice_*), or *.',
  })
  eventTypes?: string[] | null;
  @Field(() => [String], { nullable: true, description: 'Only events of these systems; null: all.' })
  sourceSystems?: string[] | null;
  @Field(() => [String], { nullable: true, description: 'Only events of these companies; null: all.' })
  companyIds?: string[] | null;
  @Field(() => SyncModeEnum, {
    nullable: true,
    description: 'REALTIME or BATCH for all its events; null: as the event type says.',
  })
  mode?: SyncMode | null;
  @Field(() => String, { nullable: true, description: 'Null: every night at 02:00.' })
  batchCron?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'Where events are posted, http or https; null: delivered over graphql-ws only.',
  })
  webhookUrl?: string | null;
  @Field(() => String, {
    nullable: true,
    description: 'Where the consumer answers consistency digests; null: none.',
  })
  consistencyUrl?: string | null;
  @Field(() => Boolean, { nullable: true, description: 'Scheduled checks send again what differs.' })
  autoFix?: boolean | null;
  @Field(() => Int, { nullable: true, description: 'Most events in one request, 1 to 100.' }) batchSize?:
    | number
    | null;
  @Field(() => Int, {
    nullable: true,
    description: 'Most bytes of the body of a request with several events, 1024 to 104857600.',
  })
  batchMaxBytes?: number | null;
  @Field(() => Int, { nullable: true, description: 'Requests that may be under way at once, 1 to 256.' })
  maxInFlight?: number | null;
  @Field(() => Int, { nullable: true, description: 'Drains that it is spread over, 1 to 16.' }) shards?:
    | number
    | null;
  @Field(() => Int, { nullable: true, description: 'Requests a second at most; null: unlimited.' })
  rateLimitPerSecond?: number | null;
  @Field(() => Int, { nullable: true, description: 'How long a request may take, milliseconds.' }) timeoutMs?:
    | number
    | null;
  @Field(() => Int, {
    nullable: true,
    description: 'How long an attached consumer may take to acknowledge, milliseconds.',
  })
  ackTimeoutMs?: number | null;
  @Field(() => String, {
    nullable: true,
    description: 'A GraphQL selection on VoucherEvent that shapes `data`; null: the business data.',
  })
  payloadQuery?: string | null;
  @Field(() => RetryPolicyInput, {
    nullable: true,
    description: 'When and how often a failed attempt is repeated.',
  })
  retry?: RetryPolicyInput | null;
}
