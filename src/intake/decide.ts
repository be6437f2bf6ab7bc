import { badInput, HubError } from '../core/errors.ts';
import type { RecordOutcome, VoucherStatus } from '../core/model.ts';
import { digestOf, type PreparedContent } from './voucher-content.ts';
import { maxVersion } from './voucher-input.ts';

/** Holds what is known of a source record's version, as far as it decides what a new input is. */
export interface KnownVersion {
  readonly sourceVersion: number;
  /** YYYY-MM-DD */
  readonly voucherDate: string;
  readonly digest: string;
  readonly status: VoucherStatus;
  readonly eventType: string;
}

/** Holds what decides besides the content and what is known of the record. */
export interface DecisionFrame {
  /** The business day, YYYY-MM-DD. */
  readonly today: string;
  /** Versions that the hub counts begin no lower: after a restore, consumers may know those that were lost. */
  readonly versionBase: number;
}

/** The current state of a known source record. */
export interface KnownVoucher extends KnownVersion {
  readonly id: string;
  readonly voucherNo: string;
}

/** Holds what an input comes to. */
export interface IntakeDecision {
  readonly outcome: RecordOutcome;
  readonly sourceVersion: number;
  readonly voucherDate: string;
  readonly digest: string;
}

/**
 * Gives what recording `content` means, given the record's current state. Pure.
 *
 * Content is the same where digest, status and event type are. A voucher date that is left out takes the known
 * version's while looking for a duplicate, so that a call repeated after midnight is still the same call.
 * @param older looks up an older version of the record
 * @throws HubError CONFLICT for a known version with other content, BAD_USER_INPUT where there is no higher version
 */
export function decide(
  content: PreparedContent,
  known: KnownVoucher | undefined,
  { today, versionBase }: DecisionFrame,
  older: (sourceVersion: number) => KnownVersion | undefined,
): IntakeDecision {
  const { input } = content;
  const wanted = input.sourceVersion ?? undefined;
  const at = (sourceVersion: number, date: string): Omit<IntakeDecision, 'outcome'> => {
    const voucherDate = input.voucherDate ?? date;
    return { sourceVersion, voucherDate, digest: digestOf(content, sourceVersion, voucherDate) };
  };
  if (known === undefined) return { outcome: 'created', ...at(wanted ?? Math.max(1, versionBase), today) };
  if (wanted !== undefined && wanted > known.sourceVersion)
    return { outcome: 'updated', ...at(wanted, today) };
  if (wanted === undefined || wanted === known.sourceVersion) {
    const same = at(known.sourceVersion, known.voucherDate);
    if (isSame(content, same.digest, known)) return { outcome: 'duplicate', ...same };
    if (wanted !== undefined) throw conflict(content, known.sourceVersion);
    if (known.sourceVersion === maxVersion)
      throw badInput('sourceVersion', `sourceVersion: the record is at ${maxVersion}, the highest there is.`);
    return { outcome: 'updated', ...at(Math.max(known.sourceVersion + 1, versionBase), today) };
  }
  const recorded = older(wanted);
  if (recorded === undefined) return { outcome: 'stale', ...at(wanted, known.voucherDate) };
  // Each version has a date of its own: a newer one may have come on another day.
  const same = at(wanted, recorded.voucherDate);
  if (isSame(content, same.digest, recorded)) return { outcome: 'duplicate', ...same };
  throw conflict(content, wanted);
}

function isSame(content: PreparedContent, digest: string, known: KnownVersion): boolean {
  return (
    digest === known.digest &&
    content.input.status === known.status &&
    content.input.eventType === known.eventType
  );
}

function conflict(content: PreparedContent, version: number): HubError {
  const { sourceSystem, sourceModule, sourceId } = content.input;
  return new HubError(
    'CONFLICT',
    `${sourceSystem}/${sourceModule}/${sourceId} version ${version} is recorded with other content; send a higher sourceVersion.`,
    { field: 'sourceVersion' },
  );
}
