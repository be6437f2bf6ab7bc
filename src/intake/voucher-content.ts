import { createHash } from 'node:crypto';
import { badInput } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import type { JsonObject } from '../core/model.ts';
import { pythonJson } from '../core/python-json.ts';
import type { Span } from '../core/tracing.ts';
import type { VoucherInput } from './voucher-input.ts';

/** The part of a voucher's content that does not change with its number and date. */
export interface PreparedContent {
  readonly input: VoucherInput;
  /** `businessData` in the exact text that goes onto the wire. */
  readonly dataJson: string;
  /** What it is recorded for; null: tracing is off. */
  readonly span: Span | null;
}

/** Writes the business data once; digest, storage and every delivery use this text. */
export function prepareContent(input: VoucherInput, span: Span | null = null): PreparedContent {
  const dataJson = pythonJson(input.businessData);
  if (dataJson.length > limits.businessDataBytes) {
    throw badInput(
      'businessData',
      `businessData: ${dataJson.length} bytes; at most ${limits.businessDataBytes}.`,
    );
  }
  return { input, dataJson, span };
}

/** The digest of a voucher as the consistency protocol defines it (contract, "The consistency protocol"). */
export function digestOf(content: PreparedContent, sourceVersion: number, voucherDate: string): string {
  const voucher = pythonJson(identityFields(content.input, sourceVersion, voucherDate));
  return createHash('sha256').update(`{"data": ${content.dataJson}, "voucher": ${voucher}}`).digest('hex');
}

/** The `voucher` part of a webhook's body (contract, "The webhook"), frozen with the event. */
export function voucherJson(
  content: PreparedContent,
  facts: { sourceVersion: number; voucherDate: string; voucherNo: string; digest: string },
): string {
  return pythonJson({
    ...identityFields(content.input, facts.sourceVersion, facts.voucherDate),
    voucher_no: facts.voucherNo,
    status: content.input.status,
    digest: facts.digest,
  });
}

function identityFields(input: VoucherInput, sourceVersion: number, voucherDate: string): JsonObject {
  return {
    voucher_date: voucherDate,
    source_system: input.sourceSystem,
    source_module: input.sourceModule,
    source_type: input.sourceType,
    source_id: input.sourceId,
    source_reference_no: input.sourceReferenceNo ?? null,
    source_version: sourceVersion,
    company_id: input.companyId ?? null,
    counterparty_type: input.counterpartyType ?? null,
    counterparty_id: input.counterpartyId ?? null,
    counterparty_name: input.counterpartyName ?? null,
    direction: input.direction,
    amount: input.amount,
    currency: input.currency,
    summary: input.summary ?? null,
  };
}
