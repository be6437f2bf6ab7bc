import assert from 'node:assert/strict';

/** Holds what of a delivered event tells which one it is. */
interface Arrived {
  readonly sync_id: number;
  readonly voucher: { readonly source_id: string; readonly source_version: number };
}

/** The name of an event as a load generator knows it. */
export function nameOf(event: Arrived): string {
  return `${event.voucher.source_id}/${event.voucher.source_version}`;
}

/** Events that came more than once, each with the ids it came under. */
export function duplicates(events: readonly Arrived[]): Map<string, number[]> {
  const ids = new Map<string, number[]>();
  for (const event of events) ids.set(nameOf(event), [...(ids.get(nameOf(event)) ?? []), event.sync_id]);
  return new Map([...ids].filter(([, found]) => found.length > 1));
}

/** Gives what must hold after any fault: nothing acknowledged is lost, what came twice has one id, records are in order. */
export function assertIntact(acknowledged: ReadonlySet<string>, events: readonly Arrived[]): void {
  const got = new Set(events.map(nameOf));
  const lost = [...acknowledged].filter(name => !got.has(name));
  assert.deepEqual(lost, [], 'acknowledged and never delivered');
  for (const [name, ids] of duplicates(events))
    assert.equal(new Set(ids).size, 1, `${name} came under several ids: ${ids}`);
  assertOrder(events);
}

/** The first arrival of each version of a record comes after the first arrival of the version before it. */
export function assertOrder(events: readonly Arrived[]): void {
  const last = new Map<string, number>();
  const seen = new Set<string>();
  for (const event of events) {
    if (seen.has(nameOf(event))) continue;
    seen.add(nameOf(event));
    const { source_id: id, source_version: version } = event.voucher;
    assert.ok(
      version > (last.get(id) ?? 0),
      `version ${version} of ${id} came after version ${last.get(id)}`,
    );
    last.set(id, version);
  }
}
