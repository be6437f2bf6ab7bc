import type { GraphQLResolveInfo } from 'graphql';
import {
  Arg,
  Ctx,
  FieldResolver,
  ID,
  Info,
  Int,
  Mutation,
  Query,
  Resolver,
  Root,
  type SubscribeResolverData,
  Subscription,
} from 'type-graphql';
import { requireRole } from '../access/caller.ts';
import { limits } from '../core/limits.ts';
import type { SilenceRow } from '../db/monitoring/alert-statements.ts';
import type { Alerts, ShownAlert } from '../monitoring/alerts/alerts.ts';
import {
  Alert,
  AlertChannelTest,
  AlertNotification,
  AlertRule,
  AlertSilence,
} from '../schema/alert.types.ts';
import { AlertStateEnum } from '../schema/enums.ts';
import { ListSize } from '../schema/list-size.ts';
import { DateTimeScalar } from '../schema/scalars.ts';
import { DataSubscription } from '../schema/subscription.types.ts';
import { callerOf, type OperationContext } from './context.ts';
import { nestedList } from './nested-list.ts';
import { toDataSubscription } from './subscription.resolver.ts';

/** GraphQL: alerts. Analysts read them; administrators acknowledge, silence and try channels. */
@Resolver(() => Alert)
export class AlertResolver {
  readonly #alerts: Alerts;

  constructor(alerts: Alerts) {
    this.#alerts = alerts;
  }

  @ListSize('first')
  @Query(() => [Alert], { description: 'Newest first.' })
  async alerts(
    @Ctx() context: OperationContext,
    @Arg('state', () => AlertStateEnum, {
      nullable: true,
      description: 'Only alerts of this state; null: all.',
    })
    state: 'firing' | 'resolved' | null | undefined,
    @Arg('first', () => Int, { nullable: true, defaultValue: 50, description: 'Most nodes, 0 to 500.' })
    first: number | null,
  ): Promise<Alert[]> {
    requireRole(callerOf(context), 'analyst');
    return (await this.#alerts.list(state ?? null, first ?? 50)).map(toAlert);
  }

  @ListSize(10)
  @Query(() => [AlertRule], { description: 'The rules in force, as the alerts file sets them.' })
  alertRules(@Ctx() context: OperationContext): AlertRule[] {
    requireRole(callerOf(context), 'analyst');
    return this.#alerts.rules().map(({ windowMs, forMs, clearAfterMs, told, ...rule }) => ({
      ...rule,
      windowSeconds: windowMs / 1_000,
      forSeconds: forMs / 1_000,
      clearAfterSeconds: clearAfterMs / 1_000,
      levels: [...told],
    }));
  }

  @ListSize(10)
  @Query(() => [AlertSilence], { description: 'Those that hold now.' })
  async alertSilences(@Ctx() context: OperationContext): Promise<AlertSilence[]> {
    requireRole(callerOf(context), 'analyst');
    return (await this.#alerts.silences()).map(toSilence);
  }

  @Mutation(() => Alert, {
    description:
      'Takes note of an alert: it is not escalated, unless it gets worse. Who took note of it first stays in acknowledgedBy.',
  })
  async acknowledgeAlert(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The alert.' }) id: string,
  ): Promise<Alert> {
    const caller = callerOf(context);
    requireRole(caller);
    return toAlert(await this.#alerts.acknowledge(id, caller.keyId));
  }

  @Mutation(() => AlertSilence, {
    description:
      'Nobody is told of these alerts until then, nor that they are over; they are recorded all the same.',
  })
  async silenceAlerts(
    @Ctx() context: OperationContext,
    @Arg('until', () => DateTimeScalar, { description: 'When the silence ends, 31 days ahead at most.' })
    until: Date,
    @Arg('reason', () => String, { description: 'Why, for people.' }) reason: string,
    @Arg('rule', () => String, { nullable: true, description: 'Only alerts of this rule; null: of all.' })
    rule: string | null | undefined,
    @Arg('subscriptionId', () => ID, {
      nullable: true,
      description: 'Only alerts of this subscription; null: of all.',
    })
    subscriptionId: string | null | undefined,
  ): Promise<AlertSilence> {
    const caller = callerOf(context);
    requireRole(caller);
    const what = {
      until: until.getTime(),
      reason,
      rule: rule ?? null,
      subscriptionId: subscriptionId ?? null,
    };
    return toSilence(await this.#alerts.silence(what, caller.keyId));
  }

  @Mutation(() => AlertSilence, { description: 'Ends a silence before its time.' })
  async endAlertSilence(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The silence.' }) id: string,
  ): Promise<AlertSilence> {
    requireRole(callerOf(context));
    return toSilence(await this.#alerts.endSilence(id));
  }

  @Mutation(() => AlertChannelTest, {
    description: 'Sends a test message over a channel of the alerts file.',
  })
  testAlertChannel(
    @Ctx() context: OperationContext,
    @Arg('channel', () => String, { description: 'Name of the channel in the alerts file.' }) channel: string,
  ): Promise<AlertChannelTest> {
    requireRole(callerOf(context));
    return this.#alerts.test(channel);
  }

  @Subscription(() => Alert, {
    description:
      'Alerts that fire, get worse or better, are acknowledged or are over, each as it stands then.',
    subscribe: ({ context }: SubscribeResolverData<unknown, object, OperationContext>) =>
      context.live.watchAlerts(callerOf(context)),
  })
  alertChanged(@Root() alert: ShownAlert): Alert {
    return toAlert(alert);
  }

  @FieldResolver(() => DataSubscription, { nullable: true, description: 'Null: all of them together.' })
  async subscription(
    @Ctx() context: OperationContext,
    @Root() alert: Alert,
  ): Promise<DataSubscription | null> {
    if (alert.subscriptionId == null) return null;
    return toDataSubscription(await context.loaders.subscription.load(alert.subscriptionId));
  }

  @ListSize(10)
  @FieldResolver(() => [AlertNotification], {
    description:
      'Who was told, the oldest first: 1,000 at most, with a warning beside the data where there are more.',
  })
  async notifications(
    @Ctx() context: OperationContext,
    @Root() alert: Alert,
    @Info() info: GraphQLResolveInfo,
  ): Promise<AlertNotification[]> {
    const hint = `These are the first ${limits.nestedList} notifications of alert ${alert.id}.`;
    const rows = await context.loaders.noticesOfAlert.load(alert.id);
    return nestedList(rows, { context, info, keep: 'first', hint }).map(row => ({
      ...row,
      sentAt: instant(row.sentAt),
    }));
  }
}

function toAlert(alert: ShownAlert): Alert {
  const {
    id,
    rule,
    severity,
    state,
    message,
    value,
    threshold,
    cause,
    vouchers,
    subscriptionId,
    acknowledgedBy,
  } = alert;
  return {
    id,
    rule,
    severity,
    state,
    message,
    value,
    threshold,
    cause,
    vouchers,
    subscriptionId,
    acknowledgedBy,
    firedAt: new Date(alert.firedAt),
    resolvedAt: instant(alert.resolvedAt),
    acknowledgedAt: instant(alert.acknowledgedAt),
  };
}

function toSilence(row: SilenceRow): AlertSilence {
  return { ...row, until: new Date(row.until), createdAt: new Date(row.createdAt) };
}

function instant(at: number | null): Date | null {
  return at === null ? null : new Date(at);
}
