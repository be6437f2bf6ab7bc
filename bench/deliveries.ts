import { Agent, request } from 'undici';
import { eventBody } from '../src/delivery/payload/body.ts';
import { createSecret, Signer } from '../src/delivery/webhook/sign.ts';
import { BenchHub } from './bench-hub.ts';
import { fill } from './fill.ts';
import { BenchReceiver, concurrently, ratePerSecond } from './support.ts';

/** The subscription's default. */
const maxInFlight = 32;

/**
 * Signs bodies and posts them by undici, nothing else: the floor. Signing is part of it, since a signature holds
 * for one attempt only. Requests a second.
 */
async function floor(receiver: BenchReceiver, count: number): Promise<number> {
  await receiver.reset();
  const signer = new Signer({ current: createSecret(), next: null });
  const bodies = Array.from({ length: count }, (_, n) => Buffer.from(eventBody(sample(n)), 'latin1'));
  const dispatcher = new Agent({ connections: maxInFlight });
  await concurrently(count, maxInFlight, async n => {
    const body = bodies[n] ?? Buffer.alloc(0);
    const timestampSeconds = Math.floor(Date.now() / 1_000);
    const headers = {
      ...signer.headers({ body, webhookId: `sync_${n}`, timestampSeconds }),
      'content-type': 'application/json',
    };
    const response = await request(receiver.url, { dispatcher, method: 'POST', headers, body });
    await response.body.dump();
  });
  await dispatcher.close();
  return ratePerSecond(await receiver.got(count));
}

/** Lets the hub drain a backlog. Requests a second. */
export async function drain(
  hub: BenchHub,
  receiver: BenchReceiver,
  id: string,
  count: number,
): Promise<number> {
  await receiver.reset();
  await hub.resume(id);
  const rate = ratePerSecond(await receiver.got(count));
  await hub.pause(id);
  await hub.quiet();
  return rate;
}

/**
 * Deliveries a second against the floor, taken in turns; each had a turn before that does not count, as code that is
 * new is slow.
 */
export async function deliveries(rounds: number, count: number): Promise<{ hub: number; floor: number }[]> {
  using receiver = await BenchReceiver.start();
  await using hub = await BenchHub.start();
  await hub.settled();
  const id = await hub.subscribe(receiver.url);
  const results: { hub: number; floor: number }[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    await fill(hub.db, id, count, 'pending');
    const hubRate = await drain(hub, receiver, id, count);
    results.push({ hub: hubRate, floor: await floor(receiver, count) });
  }
  return results.slice(1);
}

/** A claimed event of the size of a real invoice. */
export function sample(n: number) {
  const item = '{"name": "WHITE METAL LANTERN", "quantity": "6", "sku": "71053", "unit_price": "3.39"}';
  return {
    id: String(n),
    token: '',
    eventId: String(n),
    voucherId: String(n),
    eventType: 'invoice_recorded',
    mode: 'realtime' as const,
    retryCount: 0,
    attemptCount: 0,
    failedPushes: 0,
    closedSockets: 0,
    sourceSystem: 'bench',
    traceparent: null,
    occurredAtMs: Date.UTC(2025, 11, 19, 8),
    recordedAtMs: Date.UTC(2025, 11, 19, 8),
    dataJson: `{"invoice_no": "${n}", "items": [${Array.from({ length: 6 }, () => item).join(', ')}]}`,
    voucherJson:
      '{"amount": "139.12", "company_id": "1", "counterparty_id": "17850", "counterparty_name": "United Kingdom", "counterparty_type": "customer", "currency": "GBP", "digest": "0123456789abcdef0123456789abcdef", "direction": "debit", "source_id": "1", "source_module": "invoice", "source_reference_no": "536365", "source_system": "bench", "source_type": "sales_invoice", "source_version": 1, "status": "approved", "summary": "Invoice", "voucher_date": "2010-12-01", "voucher_no": "B1"}',
  };
}
