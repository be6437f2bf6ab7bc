import assert from 'node:assert/strict';
import { numbers, record, sql, vouchers } from './deliveries.ts';
import type { TestHub } from './hub.ts';
import type { Receiver } from './receiver.ts';

/** Holds what the world outside remembers of a hub: names that it was given, and what they were of. */
export class Outsider {
  readonly #receiver: Receiver;
  #recorded = 0;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /** Records so many vouchers of a system, and waits until all have come. */
  async use(hub: Pick<TestHub, 'data'>, system: string, count = 30): Promise<void> {
    await record(hub, vouchers(system, numbers(count), { eventType: 'invoice_recorded' }));
    this.#recorded += count;
    await this.#receiver.gotEvents(this.#recorded);
  }

  /** Fails where one name was given to two things. */
  assertNoClash(): void {
    const seen = new Map<string, string>();
    const clashes: string[] = [];
    for (const { body, headers } of this.#receiver.requests) {
      const event = `${body.voucher.source_id}#${body.voucher.source_version}`;
      const named: [name: string, what: string][] = [
        [`sync ${body.sync_id}`, event],
        [`webhook-id ${String(headers['webhook-id'])}`, event],
        [`event ${body.event_id}`, event],
        [`voucher ${body.voucher_id}`, body.voucher.source_id],
        [`voucher_no ${String(body.voucher.voucher_no)}`, body.voucher.source_id],
      ];
      for (const [name, what] of named) {
        const before = seen.get(name) ?? what;
        if (before !== what) clashes.push(`${name}: ${before} and ${what}`);
        seen.set(name, what);
      }
    }
    assert.deepEqual(clashes, []);
  }
}

/** Says how far every sequence is that gives the hub's numbers. */
export async function numbersOf(databaseUrl: string): Promise<Map<string, bigint>> {
  const rows = await sql<{ name: string; last: string }>(
    databaseUrl,
    `select sequencename as name, coalesce(last_value, 0)::text as last from pg_sequences
     where schemaname = 'public' and data_type = 'bigint'::regtype`,
  );
  return new Map(rows.map(({ name, last }) => [name, BigInt(last)]));
}

/** Fails unless every sequence is beyond where it was in the database that was lost, and JavaScript can still count it. */
export function assertBeyond(now: ReadonlyMap<string, bigint>, lost: ReadonlyMap<string, bigint>): void {
  assert.ok(lost.size > 10);
  assert.deepEqual([...now.keys()].toSorted(), [...lost.keys()].toSorted());
  for (const [name, last] of now) {
    assert.ok(last > (lost.get(name) ?? 0n), `${name}: ${last} now, ${lost.get(name)} before`);
    assert.ok(last < BigInt(Number.MAX_SAFE_INTEGER) / 100n, `${name}: ${last}`);
  }
}

/** The restores that a hub knows of, the latest first. */
export async function restoresOf(
  hub: Pick<TestHub, 'data'>,
): Promise<{ reason: string; missingSince: string; noticedAt: string; settledAt: string | null }[]> {
  const { databaseRestores } = await hub.data<{
    databaseRestores: { reason: string; missingSince: string; noticedAt: string; settledAt: string | null }[];
  }>('{ databaseRestores { reason missingSince noticedAt settledAt } }');
  return databaseRestores;
}
