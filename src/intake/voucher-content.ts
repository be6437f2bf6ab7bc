import { hash } from 'node:crypto';
import { pythonJson, pythonString } from '@voucher-hub/client/wire';
import { badInput, type HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { Span } from '../core/tracing.ts';
import type { JsonSchema } from './json-schema/json-schema.ts';
import type { VoucherInput } from './voucher-input.ts';

/** The part of a voucher's content that does not change with its number, version and date. */
export interface PreparedContent {
  readonly input: VoucherInput;
  /** Names the source record. */
  readonly key: string;
  /** `businessData` in the exact text that goes onto the wire. */
  readonly dataJson: string;
  /** Holds what it is recorded for; null: tracing is off. */
  readonly span: Span | null;
  /** Holds what a schema said of the business data; null: none was asked. */
  verdict: SchemaVerdict | null;
  /** The rest of it in that text, in the parts that others come between. */
  readonly parts: VoucherParts;
}

/** Holds what one schema said of business data. */
export interface SchemaVerdict {
  readonly schema: JsonSchema;
  /** Null: the data fits. */
  readonly refusal: HubError | null;
}

/** Runs of the voucher's fields in the order of Python's sorted keys. */
interface VoucherParts {
  readonly amountToCurrency: string;
  readonly directionToType: string;
  readonly summary: string;
}

/** Writes the content once; digest, storage and every delivery use these texts. */
export function prepareContent(input: VoucherInput, span: Span | null = null): PreparedContent {
  const dataJson = pythonJson(input.businessData);
  if (dataJson.length > limits.businessDataBytes) {
    throw badInput(
      'businessData',
      `businessData: ${dataJson.length} bytes; at most ${limits.businessDataBytes}.`,
    );
  }
  return { input, key: recordKeyOf(input), dataJson, parts: partsOf(input), span, verdict: null };
}

/** One text for each source record. */
export function recordKeyOf(
  record: Pick<VoucherInput, 'sourceSystem' | 'sourceModule' | 'sourceId'>,
): string {
  // NUL can't occur in the parts (checked at the door), so no two records share a key.
  return `${record.sourceSystem}\0${record.sourceModule}\0${record.sourceId}`;
}

/** The digest of a voucher as the consistency protocol defines it (contract, "The consistency protocol"). */
export function digestOf(content: PreparedContent, sourceVersion: number, voucherDate: string): string {
  const { amountToCurrency, directionToType, summary } = content.parts;
  const voucher = `{${amountToCurrency}, ${directionToType}, "source_version": ${sourceVersion}, ${summary}, "voucher_date": "${voucherDate}"}`;
  return hash('sha256', `{"data": ${content.dataJson}, "voucher": ${voucher}}`);
}

/** The `voucher` part of a webhook's body (contract, "The webhook"), frozen with the event. */
export function voucherJson(
  content: PreparedContent,
  facts: { sourceVersion: number; voucherDate: string; voucherNo: string; digest: string },
): string {
  const { amountToCurrency, directionToType, summary } = content.parts;
  const { sourceVersion, voucherDate, voucherNo, digest } = facts;
  return `{${amountToCurrency}, "digest": "${digest}", ${directionToType}, "source_version": ${sourceVersion}, "status": "${content.input.status}", ${summary}, "voucher_date": "${voucherDate}", "voucher_no": "${voucherNo}"}`;
}

function partsOf(input: VoucherInput): VoucherParts {
  return {
    amountToCurrency: `"amount": ${pythonString(input.amount)}, "company_id": ${orNull(input.companyId)}, "counterparty_id": ${orNull(input.counterpartyId)}, "counterparty_name": ${orNull(input.counterpartyName)}, "counterparty_type": ${orNull(input.counterpartyType)}, "currency": ${pythonString(input.currency)}`,
    directionToType: `"direction": "${input.direction}", "source_id": ${pythonString(input.sourceId)}, "source_module": ${pythonString(input.sourceModule)}, "source_reference_no": ${orNull(input.sourceReferenceNo)}, "source_system": ${pythonString(input.sourceSystem)}, "source_type": ${pythonString(input.sourceType)}`,
    summary: `"summary": ${orNull(input.summary)}`,
  };
}

function orNull(text: string | null | undefined): string {
  return text == null ? 'null' : pythonString(text);
}
