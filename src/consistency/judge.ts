import type { DifferenceKind } from '../core/model.ts';
import type { SuspectStanding } from '../db/consistency/suspect-statements.ts';
import type { HeldRecord } from './answers.ts';
import type { RecordName } from './digests.ts';

/** A record that a consumer holds wrongly. Null where a side has none. */
export interface Difference extends RecordName {
  readonly kind: DifferenceKind;
  readonly voucherId: string | null;
  readonly expectedVersion: number | null;
  readonly expectedDigest: string | null;
  readonly actualVersion: number | null;
  readonly actualDigest: string | null;
}

/**
 * Gives what differs in a record; null: nothing that is wrong. Pure.
 *
 * What is on its way is no difference. A record whose current version the subscription does not cover (any more) may
 * be held as it once was sent, or not at all. A version that the hub does not have is divergent, like other content
 * of the same one: the current version mends both.
 */
export function judge(
  name: RecordName,
  consumer: HeldRecord | null,
  hub: SuspectStanding,
): Difference | null {
  const { sourceSystem, sourceModule, sourceId } = name;
  const isExpected = hub.voucherId !== null && hub.covered && hub.sourceVersion !== null;
  const of = (kind: DifferenceKind): Difference => ({
    kind,
    sourceSystem,
    sourceModule,
    sourceId,
    voucherId: hub.voucherId,
    expectedVersion: isExpected ? hub.sourceVersion : null,
    expectedDigest: isExpected ? hub.digest : null,
    actualVersion: consumer?.sourceVersion ?? null,
    actualDigest: consumer?.digest ?? null,
  });
  if (hub.underWay) return null;
  if (!isExpected) return consumer === null || hub.wasRecorded ? null : of('unexpected');
  if (consumer === null) return of('missing');
  if (consumer.sourceVersion < (hub.sourceVersion ?? 0)) return of('stale');
  if (consumer.sourceVersion === hub.sourceVersion && consumer.digest === hub.digest) return null;
  return of('divergent');
}
