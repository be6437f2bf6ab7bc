import { currencyMeant } from '../core/currencies.ts';
import { badInput, type HubError } from '../core/errors.ts';
import { UnfitValue } from '../core/exact-json.ts';
import { limits } from '../core/limits.ts';
import type { JsonObject, JsonValue, VoucherDirection, VoucherStatus } from '../core/model.ts';
import { shownKey, shownValue } from '../core/shown-value.ts';

/** A voucher as a caller gives it: already of the right types, not yet checked. Null and undefined both mean left out. */
export interface VoucherInput {
  eventType: string;
  sourceSystem: string;
  sourceModule: string;
  sourceType: string;
  sourceId: string;
  sourceReferenceNo?: string | null;
  sourceVersion?: number | null;
  /** YYYY-MM-DD */
  voucherDate?: string | null;
  companyId?: string | null;
  counterpartyType?: string | null;
  counterpartyId?: string | null;
  counterpartyName?: string | null;
  direction: VoucherDirection;
  /** An exact decimal. */
  amount: string;
  currency: string;
  summary?: string | null;
  businessData: JsonObject;
  status: VoucherStatus;
  occurredAt?: Date | null;
  createdBy?: string | null;
}

const names = ['eventType', 'sourceSystem', 'sourceModule', 'sourceType', 'sourceId'] as const;
const shortTexts = [
  'sourceReferenceNo',
  'companyId',
  'counterpartyType',
  'counterpartyId',
  'createdBy',
] as const;
const longTexts = ['counterpartyName', 'summary'] as const;
const decimal = /^-?(\d+)(?:\.(\d+))?$/;
/** The highest version of a record: what JSON's readers keep exactly. */
export const maxVersion = Number.MAX_SAFE_INTEGER;

/**
 * Checks one voucher against everything that needs no database.
 * @throws HubError BAD_USER_INPUT naming the field
 */
export function checkVoucherInput(
  input: VoucherInput,
  { nowMs, currencies }: { nowMs: number; currencies: ReadonlySet<string> },
): void {
  for (const field of names) checkText(field, input[field], 1, limits.shortText);
  for (const field of shortTexts) checkText(field, input[field], 0, limits.shortText);
  for (const field of longTexts) checkText(field, input[field], 0, limits.longText);
  checkAmount(input.amount);
  if (!currencies.has(input.currency)) throw noCurrency(input.currency, currencies);
  const version = input.sourceVersion;
  if (version != null && (version < 1 || version > maxVersion))
    throw badInput('sourceVersion', `sourceVersion: a whole number, 1 to ${maxVersion}.`);
  if (input.occurredAt != null && input.occurredAt.getTime() > nowMs + limits.occurredAheadMs) {
    throw badInput('occurredAt', "occurredAt: more than a day ahead of the hub's clock.");
  }
  checkJson(input.businessData, 'businessData', 1);
}

function checkText(field: string, text: string | null | undefined, min: number, max: number): void {
  if (text == null) return;
  if (text.length < min || text.length > max) throw badInput(field, `${field}: ${min} to ${max} characters.`);
  checkStorable(field, text);
}

/** PostgreSQL's text holds neither NUL nor half of a surrogate pair; refused here, where the field can be named. */
function checkStorable(path: string, text: string): void {
  if (text.includes('\0')) throw badInput(path, `${path}: holds a NUL character, which can't be stored.`);
  if (!text.isWellFormed())
    throw badInput(path, `${path}: holds half of a surrogate pair, which is no valid Unicode.`);
}

function checkAmount(amount: string): void {
  const parts = decimal.exec(amount);
  if (parts === null) throw badInput('amount', 'amount: a decimal number, e.g. "100000.00".');
  if ((parts[1] ?? '').length > limits.amountDigits || (parts[2] ?? '').length > limits.amountDecimals) {
    throw badInput(
      'amount',
      `amount: at most ${limits.amountDigits} digits before the point and ${limits.amountDecimals} after it.`,
    );
  }
}

function noCurrency(currency: string, currencies: ReadonlySet<string>): HubError {
  const code = currencyMeant(currency, currencies);
  const advice = code === null ? 'Three capital letters are expected, e.g. CNY.' : `Did you mean ${code}?`;
  return badInput('currency', `currency: ${shownValue(currency)} is no code of ISO 4217. ${advice}`);
}

function checkJson(value: JsonValue, path: string, depth: number): void {
  if (typeof value === 'string') return checkStorable(path, value);
  if (typeof value === 'number') return checkNumber(path, value);
  if (typeof value !== 'object' || value === null) return;
  if (value instanceof UnfitValue) throw badInput(path, `${path}: ${value.message}`);
  if (depth > limits.businessDataDepth)
    throw badInput('businessData', `businessData: nested deeper than ${limits.businessDataDepth}.`);
  if (Array.isArray(value)) {
    for (const item of value) checkJson(item, path, depth + 1);
    return;
  }
  for (const [key, item] of Object.entries(value)) {
    checkStorable(path, key);
    checkJson(item, `${path}.${shownKey(key)}`, depth + 1);
  }
}

/**
 * A whole number past 2^53 has lost digits already when JSON was parsed, and one past 1e308 all: better refused than
 * recorded wrong.
 */
function checkNumber(path: string, value: number): void {
  if (!Number.isFinite(value))
    throw badInput(path, `${path}: a number beyond what JSON's readers hold; send it as a string.`);
  if (Number.isSafeInteger(value) || !Number.isInteger(value)) return;
  throw badInput(path, `${path}: whole numbers beyond 2^53 lose digits in JSON; send it as a string.`);
}
