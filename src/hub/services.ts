import type { OpenConsistency } from '../consistency/open-consistency.ts';
import { BusinessTime } from '../core/business-time.ts';
import { isoCurrencies } from '../core/currencies.ts';
import { Compensation } from '../delivery/compensation/compensation.ts';
import { DeliveryTester } from '../delivery/subscription/delivery-test.ts';
import { Subscriptions } from '../delivery/subscription/subscriptions.ts';
import { EventTypes } from '../intake/event-types.ts';
import { Intake } from '../intake/record-vouchers.ts';
import { RoutingCache } from '../intake/routing.ts';
import { VoucherReader } from '../intake/voucher-reader.ts';
import { Audit } from '../monitoring/audit/audit.ts';
import { Restores } from '../monitoring/audit/restores.ts';
import type { ResolverServices } from '../resolvers/resolvers.ts';
import type { DeliveryParts } from './delivery.ts';
import type { Start } from './start.ts';
import type { Store } from './store.ts';

/** The services that the GraphQL door calls. */
export function createServices(
  { config, clock, log, parts, meters, tracer }: Start,
  { db, lineage, vault, keys, payloadQueries }: Store,
  { nodes, drains, transport, foreseeTarget, backlog, attachments, syncs, changes }: DeliveryParts,
): Omit<ResolverServices, keyof OpenConsistency | 'alerts'> {
  const time = new BusinessTime(config.timeZone);
  const routing = new RoutingCache(db, clock);
  const currencies = new Set([...isoCurrencies, ...config.currencies]);
  const intake = new Intake({
    db,
    clock,
    time,
    routing,
    lineage,
    waker: drains,
    changes,
    meter: meters,
    log,
    tracer,
    currencies,
  });
  parts.defer(() => intake.close());
  nodes.on('routing', () => routing.refresh());
  const onChange = (cache: string) => () => {
    routing.refresh();
    nodes.tell('routing', [cache]);
  };
  return {
    intake,
    keys,
    subscriptions: new Subscriptions({
      db,
      vault,
      drains,
      backlog,
      payloadQueries,
      onChange: onChange('subscriptions'),
      time,
      perSystem: config.subscriptionsPerSystem,
    }),
    vouchers: new VoucherReader(db),
    eventTypes: new EventTypes(db, onChange('event_types')),
    tester: new DeliveryTester({ db, vault, clock, transport, foreseeTarget }),
    syncs,
    compensation: new Compensation({ db, drains, changes, log }),
    attachments,
    changes,
    audit: new Audit({ db, clock, log }),
    restores: new Restores({ db, lineage, clock }),
    timeZone: config.timeZone,
  };
}
