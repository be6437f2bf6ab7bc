import { Field, Float, Int, ObjectType } from 'type-graphql';
import { limits } from '../core/limits.ts';
import { ListSize } from './list-size.ts';
import { DateTimeScalar, DecimalScalar } from './scalars.ts';

/** GraphQL: how many FAILED with one code. */
@ObjectType()
export class ErrorCount {
  @Field(() => String) errorCode!: string;
  @Field(() => Int) count!: number;
}

/** GraphQL: a step of a timeline. */
@ObjectType()
export class MetricPoint {
  @Field(() => DateTimeScalar, { description: 'Its first instant.' }) at!: Date;
  @Field(() => Int) succeeded!: number;
  @Field(() => Int) failed!: number;
  @Field(() => Float, { nullable: true }) averageLatencySeconds?: number | null;
  @Field(() => Float, { nullable: true, description: 'From the event (occurredAt) to delivered.' })
  averageEventLatencySeconds?: number | null;
}

/** GraphQL: a sum of money. */
@ObjectType()
export class LagAmount {
  @Field(() => String) currency!: string;
  @Field(() => DecimalScalar) amount!: string;
}

/** GraphQL: what FAILED and waits for a person, so that consumers do not know it either. */
@ObjectType()
export class FailedLag {
  @Field(() => Int, { description: 'FAILED syncs, up to 1,000,000.' }) count!: number;
  @Field(() => Float, { description: 'How long the oldest has been FAILED; 0 where none is.' })
  seconds!: number;
  @ListSize(10)
  @Field(() => [LagAmount], {
    description:
      'Of each source record with a FAILED sync, once for each subscription, its amount of today; also where a later version was delivered.',
  })
  amounts!: readonly LagAmount[];
  @Field(() => Boolean, { description: 'False where more FAILED than is added up (100,000 syncs).' })
  isComplete!: boolean;
}

/** GraphQL: how far consumers are behind. */
@ObjectType()
export class Lag {
  @Field(() => Float, { description: 'How long the oldest has waited; 0 where nothing waits.' })
  seconds!: number;
  @ListSize(10)
  @Field(() => [LagAmount], {
    description:
      'Of each source record that waits, once for each subscription, its amount of today. What FAILED does not wait: see failed.',
  })
  amounts!: readonly LagAmount[];
  @Field(() => Boolean, { description: 'False where more waits than is added up (100,000 syncs).' })
  isComplete!: boolean;
}

/** GraphQL: what was over within a window, and what is not over now. */
@ObjectType({ description: 'What was over (delivered or FAILED) within a window up to now, by its end.' })
export class SyncMetrics {
  @Field(() => DateTimeScalar, {
    description: 'On a whole minute; on a whole hour where the window is longer than a day.',
  })
  from!: Date;
  @Field(() => DateTimeScalar) to!: Date;
  @Field(() => Int) total!: number;
  @Field(() => Int) succeeded!: number;
  @Field(() => Int) failed!: number;
  @Field(() => Float, { nullable: true, description: '0 to 100; null when nothing was synced.' })
  successRate?: number | null;
  @Field(() => Float, {
    nullable: true,
    description:
      'From recorded to delivered, like the percentiles (right within 5 %). BATCH events, which wait for their hour, do not count.',
  })
  averageLatencySeconds?: number | null;
  @Field(() => Float, {
    nullable: true,
    description:
      'From the event (occurredAt) to delivered; the alerts’ rule goes by it. What was recorded more than an hour after it occurred (an import, a correction), and what is sent once more, counts from its recording.',
  })
  averageEventLatencySeconds?: number | null;
  @Field(() => Float, { nullable: true }) p50LatencySeconds?: number | null;
  @Field(() => Float, { nullable: true }) p95LatencySeconds?: number | null;
  @Field(() => Float, { nullable: true }) p99LatencySeconds?: number | null;
  @Field(() => Int) failuresLastHour!: number;
  @Field(() => Int, { description: 'What is not over, up to 1,000,000.' }) backlog!: number;
  @Field(() => Float, { nullable: true }) oldestPendingSeconds?: number | null;
  @Field(() => Int) retrying!: number;
  @ListSize(10)
  @Field(() => [ErrorCount], { description: 'The most frequent first.' })
  failuresByErrorCode!: readonly ErrorCount[];
  @ListSize(limits.metricPoints)
  @Field(() => [MetricPoint], {
    description:
      'In steps from midnights of HUB_TIME_ZONE, some 120 at most: of 1, 2, 5, 10, 15 or 30 minutes, 1, 2, 3, 4, 6 or 12 hours, 1, 2, 4 or 7 days, the narrowest that does (15 minutes for a day, 2 hours for a week). Those in which nothing was over are left out.',
  })
  timeline!: readonly MetricPoint[];
}
