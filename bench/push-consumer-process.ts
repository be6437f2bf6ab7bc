import { setTimeout as pause } from 'node:timers/promises';
import { type Client, createClient } from 'graphql-ws';
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
/** Acknowledgements under way, each by its ids. */
const unanswered = new Set<string[]>();
const clients: Client[] = [];

function consume(at: z.infer<typeof attach>, id: string): void {
  const client = createClient({
    url: at.url,
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${at.key}` },
    retryAttempts: 0,
    on: { connected: () => (attached += 1) },
  });
  clients.push(client);
  let safe: string[] = [];
  const flush = () => {
    const ids = safe;
    safe = [];
    unanswered.add(ids);
    const answered = () => void unanswered.delete(ids);
    const refused = (error: unknown) => {
      answered();
      fail(error);
    };
    client.subscribe(
      { query: acknowledge, variables: { ids } },
      { next() {}, error: refused, complete: answered },
    );
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

/** Leaves when the last acknowledgements are answered: a server must not write to a socket that is gone. */
async function leave(): Promise<void> {
  const deadline = monotonicMs() + 5_000;
  // What came in this turn is acknowledged in the next one.
  await pause(10);
  while (unanswered.size > 0 && monotonicMs() < deadline) await pause(10);
  for (const client of clients) await client.dispose();
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
process.on('disconnect', () => void leave());
process.send?.('ready');
