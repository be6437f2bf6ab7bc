import type { Scene } from './plan.ts';

/** The hubs of a lab and what each does. */
interface NodeRoles {
  readonly name: string;
  readonly roles: string;
}

/** All do everything, or the roles are spread; every role is there twice, so that each process may fail. */
const topologies: readonly (readonly NodeRoles[])[] = [
  [
    { name: 'a', roles: 'api,worker,scheduler' },
    { name: 'b', roles: 'api,worker,scheduler' },
  ],
  [
    { name: 'a', roles: 'api,scheduler' },
    { name: 'b', roles: 'api,worker' },
    { name: 'c', roles: 'worker,scheduler' },
  ],
];

/** The hubs of a lab: by the seed, so that a run repeats. */
export function nodesOf(seed: number): readonly NodeRoles[] {
  return topologies[seed % topologies.length] ?? [];
}

/** Source systems, each with a publisher of its own. */
export const sourceSystems = ['erp', 'crm', 'wms', 'pos'];

/** Sets how long a consumer may take to acknowledge, milliseconds. */
export const ackTimeoutMs = 3_000;

const patient = { maxRetries: 30, baseDelayMs: 200, maxDelayMs: 2_000 };

/** A subscription of the lab. */
export interface SubscriptionPlan {
  readonly name: string;
  readonly hasWebhook: boolean;
  readonly consumers: readonly string[];
  readonly sourceSystems: readonly string[] | null;
  readonly settings: { readonly retry: { readonly maxRetries: number } & Record<string, number> } & Record<
    string,
    unknown
  >;
}

/** The subscription by which recoveries are measured: nothing is done to its receiver or to the way there. */
export const meter = 'steady';

/** Every way of delivery, and one subscription that gives up soon, so that something FAILS. */
export const subscriptionPlans: readonly SubscriptionPlan[] = [
  {
    name: meter,
    hasWebhook: true,
    consumers: [],
    sourceSystems: null,
    settings: { timeoutMs: 3_000, retry: patient },
  },
  {
    name: 'batches',
    hasWebhook: true,
    consumers: [],
    sourceSystems: null,
    settings: { timeoutMs: 3_000, batchSize: 10, maxInFlight: 4, retry: patient },
  },
  {
    name: 'fragile',
    hasWebhook: true,
    consumers: [],
    sourceSystems: ['erp', 'crm'],
    settings: { timeoutMs: 2_000, retry: { maxRetries: 2, baseDelayMs: 300 } },
  },
  {
    name: 'pushed',
    hasWebhook: false,
    consumers: ['pushed-1', 'pushed-2'],
    sourceSystems: null,
    settings: { ackTimeoutMs, retry: patient },
  },
  {
    name: 'both',
    hasWebhook: true,
    consumers: ['both-1'],
    sourceSystems: null,
    settings: { timeoutMs: 3_000, ackTimeoutMs, retry: patient },
  },
];

/** Gives what faults may be done to, by the seed and the queue's home. */
export function sceneOf(seed: number, queue: Scene['queue']): Scene {
  const nodes = nodesOf(seed);
  const subscriptions = subscriptionPlans.filter(({ name }) => name !== meter);
  const webhooks = subscriptions.filter(({ hasWebhook }) => hasWebhook).map(({ name }) => name);
  return {
    queue,
    nodes: nodes.map(({ name }) => name),
    links: [
      ...nodes.map(({ name }) => `database-${name}`),
      ...(queue === 'redis' ? nodes.map(({ name }) => `queue-${name}`) : []),
      ...nodes.filter(({ roles }) => roles.includes('api')).map(({ name }) => `front-${name}`),
      ...webhooks.map(name => `hook-${name}`),
    ],
    webhooks,
    consumers: subscriptions.flatMap(({ consumers }) => consumers),
    subscriptions: subscriptions.map(({ name }) => name),
  };
}
