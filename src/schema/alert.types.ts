import { Field, Float, ID, Int, ObjectType } from 'type-graphql';
import {
  AlertNoticeKindEnum,
  AlertNoticeStatusEnum,
  AlertScopeEnum,
  AlertSeverityEnum,
  AlertStateEnum,
} from './enums.ts';
import { ListSize } from './list-size.ts';
import { DateTimeScalar } from './scalars.ts';

/** The words that these types carry, as the domain spells them. */
type AlertSeverity = 'critical' | 'warning' | 'info';
type AlertState = 'firing' | 'resolved';
type AlertScope = 'subscription' | 'overall';
type NoticeKind = 'firing' | 'escalated' | 'resolved';
type NoticeStatus = 'waiting' | 'sent' | 'failed';

/** GraphQL: a voucher that an alert is about. */
@ObjectType()
export class AlertVoucher {
  @Field(() => String, { description: 'Its id in its source system.' }) sourceId!: string;
  @Field(() => String, { description: 'Its number in the hub.' }) voucherNo!: string;
}

/** GraphQL: one time that a rule fired. */
@ObjectType()
export class Alert {
  @Field(() => ID) id!: string;
  @Field(() => String) rule!: string;
  @Field(() => AlertSeverityEnum) severity!: AlertSeverity;
  @Field(() => AlertStateEnum) state!: AlertState;
  @Field(() => String, { description: 'In the language of HUB_LANG.' }) message!: string;
  @Field(() => Float, { nullable: true }) value?: number | null;
  @Field(() => Float, { nullable: true }) threshold?: number | null;
  @Field(() => String, {
    nullable: true,
    description:
      'What fails most: ECONNREFUSED × 12; of all subscriptions together with its share and whose it is: ECONNREFUSED × 12 (83 %: tax/refund #7). Of backlog, retrying and latency: whose it is and why, in the language of HUB_LANG.',
  })
  cause?: string | null;
  @ListSize(10)
  @Field(() => [AlertVoucher], {
    description: 'Up to three vouchers that FAILED, the newest first; none where it is not about failures.',
  })
  vouchers!: readonly AlertVoucher[];
  subscriptionId?: string | null;
  @Field(() => DateTimeScalar) firedAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) resolvedAt?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) acknowledgedAt?: Date | null;
  @Field(() => String, { nullable: true, description: 'The name of the key that took note of it.' })
  acknowledgedBy?: string | null;
}

/** GraphQL: who was told of an alert, and what came of it. */
@ObjectType()
export class AlertNotification {
  @Field(() => String) channel!: string;
  @Field(() => AlertNoticeKindEnum) kind!: NoticeKind;
  @Field(() => AlertNoticeStatusEnum) status!: NoticeStatus;
  @Field(() => Int) attempts!: number;
  @Field(() => DateTimeScalar, { nullable: true }) sentAt?: Date | null;
  @Field(() => String, { nullable: true, description: 'Why the last attempt failed; never a secret.' })
  error?: string | null;
}

/** GraphQL: beyond which value a rule fires, how urgently, and who is told. */
@ObjectType()
export class AlertLevel {
  @Field(() => AlertSeverityEnum) severity!: AlertSeverity;
  @Field(() => Float) threshold!: number;
  @ListSize(10)
  @Field(() => [String])
  channels!: readonly string[];
}

/** GraphQL: a rule in force. */
@ObjectType()
export class AlertRule {
  @Field(() => String) name!: string;
  @Field(() => Boolean) enabled!: boolean;
  @ListSize(2)
  @Field(() => [AlertScopeEnum])
  scopes!: readonly AlertScope[];
  @Field(() => Int, { description: 'What is counted: the last so many seconds.' }) windowSeconds!: number;
  @Field(() => Int, { description: 'A level must hold this long before it fires.' }) forSeconds!: number;
  @Field(() => Int, { description: 'It must be over this long before it is resolved.' })
  clearAfterSeconds!: number;
  @Field(() => Float, {
    description: 'How far back from its threshold a value counts as over: a share of it.',
  })
  hysteresis!: number;
  @ListSize(3)
  @Field(() => [AlertLevel], { description: 'The mildest first.' })
  levels!: AlertLevel[];
}

/** GraphQL: what is told to nobody for a while. */
@ObjectType()
export class AlertSilence {
  @Field(() => ID) id!: string;
  @Field(() => String, { nullable: true, description: 'Null: any rule.' }) rule?: string | null;
  @Field(() => ID, { nullable: true, description: 'Null: any subscription.' }) subscriptionId?: string | null;
  @Field(() => DateTimeScalar) until!: Date;
  @Field(() => String) reason!: string;
  @Field(() => String) createdBy!: string;
  @Field(() => DateTimeScalar) createdAt!: Date;
}

/** GraphQL: what came of trying a channel. */
@ObjectType()
export class AlertChannelTest {
  @Field(() => Boolean) ok!: boolean;
  @Field(() => String, { nullable: true }) error?: string | null;
  @Field(() => Int) latencyMs!: number;
}
