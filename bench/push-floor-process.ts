import { readFile } from 'node:fs/promises';
import { buildSchema, execute, subscribe } from 'graphql';
import { useServer } from 'graphql-ws/use/ws';
import { WebSocketServer } from 'ws';
import { Feed } from '../src/core/feed.ts';

// The floor of the push: a bare graphql-ws server that streams the same payloads from memory, and takes the same
// acknowledgements in memory, with the same window.
const count = Number(process.argv[2]);
const schema = buildSchema(await readFile(new URL('../src/schema/schema.graphql', import.meta.url), 'utf8'));
const item = { name: 'WHITE METAL LANTERN', quantity: '6', sku: '71053', unit_price: '3.39' };

function delivery(n: number) {
  const voucher = {
    sourceSystem: 'bench',
    sourceModule: 'invoice',
    sourceId: String(n),
    sourceVersion: 1,
    amount: '139.12',
    currency: 'GBP',
    digest: '0123456789abcdef0123456789abcdef',
    status: 'APPROVED',
  };
  const data = { invoice_no: String(n), items: Array.from({ length: 6 }, () => item) };
  const occurredAt = '2025-12-19T08:00:00.000Z';
  const event = { id: n, eventType: 'invoice_recorded', sourceVersion: 1, data, occurredAt, voucher };
  return { deliveries: { syncId: n, attempt: 1, mode: 'REALTIME', ackDeadline: occurredAt, event } };
}

let sent = 0;
let feed = new Feed<ReturnType<typeof delivery>>(() => {});
const unacknowledged = new Set<string>();
const rootValue = {
  deliveries: ({ prefetch }: { prefetch: number }) => {
    sent = 0;
    feed = new Feed(() => {});
    push(prefetch);
    return feed;
  },
  acknowledge: ({ syncIds }: { syncIds: string[] }) => {
    const known = syncIds.filter(id => unacknowledged.delete(id)).length;
    push(known);
    return known;
  },
};

function push(room: number): void {
  for (let n = 0; n < room && sent < count; n += 1) {
    sent += 1;
    unacknowledged.add(String(sent));
    feed.push(delivery(sent));
  }
}

const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  path: '/graphql',
  perMessageDeflate: false,
});
useServer({ schema, execute, subscribe, roots: { subscription: rootValue, mutation: rootValue } }, server);
server.on('listening', () => process.send?.(server.address()));
process.on('disconnect', () => process.exit());
