import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { monotonicMs } from './support.ts';

// Attached consumers of the benchmarks, in a process of their own: they take everything, acknowledge it in batches of
// what came in one turn of the event loop, and tell their parent what they got.
const attach = z.object({
  url: z.string(),
  key: z.string(),
  subscriptionIds: z.array(z.string()),
  prefetch: z.number(),
});

interface Delivered {
  syncId: string;
  event: { data: { mark?: string } };
}

const deliveries = `subscription ($id: ID!, $prefetch: Int) { deliveries(subscriptionId: $id, prefetch: $prefetch) {
  syncId attempt mode ackDeadline event { id eventType sourceVersion data occurredAt
    voucher { sourceSystem sourceModule sourceId sourceVersion amount currency digest status } } } }`;
const acknowledge = 'mutation ($ids: [ID!]!) { acknowledge(syncIds: $ids) }';

let count = 0;
let first = 0;
let last = 0;
let arrivals: { id: string; at: number }[] = [];
let attached = 0;

function consume(at: z.infer<typeof attach>, id: string): void {
  const client = createClient({
    url: at.url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${at.key}` },
    retryAttempts: 0,
    on: { connected: () => (attached += 1) },
  });
  let safe: string[] = [];
  const flush = () => {
    const ids = safe;
    safe = [];
    client.subscribe({ query: acknowledge, variables: { ids } }, { next() {}, error: fail, complete() {} });
  };
  const sink = {
    next: ({ data }: { data?: { deliveries: Delivered } | null }) => {
      if (data == null) return;
      last = monotonicMs();
      if (count === 0) first = last;
      count += 1;
      const { mark } = data.deliveries.event.data;
      if (mark !== undefined) arrivals.push({ id: mark, at: last });
      if (safe.push(data.deliveries.syncId) === 1) setImmediate(flush);
    },
    error: fail,
    complete() {},
  };
  client.subscribe<{ deliveries: Delivered }>(
    { query: deliveries, variables: { id, prefetch: at.prefetch } },
    sink,
  );
}

function fail(error: unknown): void {
  console.error('consumer', error);
}

process.on('message', message => {
  if (message === 'report') process.send?.({ count, first, last, arrivals, attached });
  else if (message === 'reset') {
    count = 0;
    arrivals = [];
    process.send?.('reset');
  } else {
    const at = attach.parse(message);
    for (const id of at.subscriptionIds) consume(at, id);
  }
});
process.on('disconnect', () => process.exit());
process.send?.('ready');
