import type { ApiKeys } from '../access/keys.ts';
import type { Consistency } from '../consistency/consistency.ts';
import type { Questions } from '../consistency/questions.ts';
import type { ConsistencyReports } from '../consistency/reports.ts';
import type { Compensation } from '../delivery/compensation/compensation.ts';
import type { Attachments } from '../delivery/push/attachments.ts';
import type { SyncChanges } from '../delivery/reading/sync-changes.ts';
import type { SyncReader } from '../delivery/reading/sync-reader.ts';
import type { DeliveryTester } from '../delivery/subscription/delivery-test.ts';
import type { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import type { EventTypes } from '../intake/event-types.ts';
import type { Intake } from '../intake/record-vouchers.ts';
import type { VoucherReader } from '../intake/voucher-reader.ts';
import type { Alerts } from '../monitoring/alerts/alerts.ts';
import type { Audit } from '../monitoring/audit/audit.ts';
import type { Restores } from '../monitoring/audit/restores.ts';
import { AccessResolver } from './access.resolver.ts';
import { AlertResolver } from './alert.resolver.ts';
import { AuditResolver } from './audit.resolver.ts';
import {
  ConsistencyDifferenceResolver,
  ConsistencyResolver,
  NotComparedResolver,
} from './consistency.resolver.ts';
import { LagResolver, MetricResolver } from './metric.resolver.ts';
import { PushResolver } from './push.resolver.ts';
import { RestoreResolver } from './restore.resolver.ts';
import { StandingResolver } from './standing.resolver.ts';
import { SubscriptionResolver } from './subscription.resolver.ts';
import { SyncAttemptResolver, SyncLogConnectionResolver, SyncResolver } from './sync.resolver.ts';
import { VoucherResolver } from './voucher.resolver.ts';
import {
  RecordVoucherResultResolver,
  VoucherConnectionResolver,
  VoucherEventResolver,
} from './voucher-links.resolver.ts';
import { VoucherEventConnectionResolver, VoucherVersionsResolver } from './voucher-versions.resolver.ts';

/** The services that the GraphQL door calls. */
export interface ResolverServices {
  readonly intake: Intake;
  readonly keys: ApiKeys;
  readonly subscriptions: Subscriptions;
  readonly vouchers: VoucherReader;
  readonly eventTypes: EventTypes;
  readonly tester: DeliveryTester;
  readonly syncs: SyncReader;
  readonly compensation: Compensation;
  readonly attachments: Attachments;
  readonly changes: SyncChanges;
  readonly audit: Audit;
  readonly restores: Restores;
  readonly alerts: Alerts;
  readonly consistency: Consistency;
  readonly reports: ConsistencyReports;
  readonly questions: Questions;
  /** HUB_TIME_ZONE */
  readonly timeZone: string;
}

/** All resolvers, each with the services it calls. */
export function createResolvers(services: ResolverServices): object[] {
  const {
    intake,
    keys,
    subscriptions,
    vouchers,
    eventTypes,
    tester,
    syncs,
    compensation,
    attachments,
    audit,
    alerts,
    timeZone,
  } = services;
  return [
    new VoucherResolver(intake, vouchers, eventTypes),
    new RecordVoucherResultResolver(),
    new VoucherEventResolver(),
    new VoucherConnectionResolver(),
    new VoucherVersionsResolver(),
    new VoucherEventConnectionResolver(),
    new SubscriptionResolver(subscriptions, tester),
    new StandingResolver(),
    new SyncResolver(syncs, compensation, subscriptions),
    new SyncAttemptResolver(),
    new SyncLogConnectionResolver(),
    new PushResolver(attachments, syncs),
    new AuditResolver(audit),
    new ConsistencyResolver(services),
    new ConsistencyDifferenceResolver(),
    new NotComparedResolver(),
    new AccessResolver(keys),
    new RestoreResolver(services.restores),
    new AlertResolver(alerts),
    new MetricResolver(subscriptions, syncs, timeZone),
    new LagResolver(),
  ];
}

/** The classes alone: what the schema's text is made from. */
export const resolverClasses: readonly Function[] = [
  VoucherResolver,
  RecordVoucherResultResolver,
  VoucherEventResolver,
  VoucherConnectionResolver,
  VoucherVersionsResolver,
  VoucherEventConnectionResolver,
  SubscriptionResolver,
  StandingResolver,
  SyncResolver,
  SyncAttemptResolver,
  SyncLogConnectionResolver,
  PushResolver,
  AuditResolver,
  ConsistencyResolver,
  ConsistencyDifferenceResolver,
  NotComparedResolver,
  AccessResolver,
  RestoreResolver,
  AlertResolver,
  MetricResolver,
  LagResolver,
];
