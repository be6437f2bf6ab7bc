/** A decimal number: the whole number `digits` (without a zero at either end) times ten to the power of `exponent`. */
interface Decimal {
  readonly isNegative: boolean;
  readonly digits: string;
  readonly exponent: number;
}

const numberPattern = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** Few digits with a small power of ten: a double holds them. */
const plainNumber = /^-?(?=[\d.]{1,15}(?:[eE]|$))\d+(?:\.\d+)?(?:[eE][+-]?\d{1,2})?$/;

/** A text beyond this has more digits than a double ever needs, and would take long to compare. */
const longestNumber = 400;

/** Tells whether a number in JSON's form is still the same number after a JSON parser has read it and written it again. */
export function survivesJson(text: string): boolean {
  if (plainNumber.test(text)) return true;
  if (text.length > longestNumber) return false;
  const before = decimalOf(text);
  const after = decimalOf(String(Number(text)));
  if (before === null || after === null) return false;
  if (before.digits !== after.digits) return false;
  // Zero has no sign worth keeping, and no exponent.
  return (
    before.digits === '' || (before.exponent === after.exponent && before.isNegative === after.isNegative)
  );
}

/**
 * Tells whether `value` is a whole number of times `divisor`, both taken for the decimals that they are written as:
 * 19.99 is 1999 × 0.01.
 */
export function isMultipleOf(value: number, divisor: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(divisor)) return value % divisor === 0;
  const a = decimalOf(String(value));
  const b = decimalOf(String(divisor));
  if (a === null || b === null || b.digits === '') return false;
  const exponent = Math.min(a.exponent, b.exponent);
  return scaled(a, exponent) % scaled(b, exponent) === 0n;
}

function scaled({ digits, exponent }: Decimal, to: number): bigint {
  return digits === '' ? 0n : BigInt(digits) * 10n ** BigInt(exponent - to);
}

function decimalOf(text: string): Decimal | null {
  const parts = numberPattern.exec(text);
  if (parts === null) return null;
  const [, sign, whole = '', fraction = '', power = '0'] = parts;
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = withoutTrailingZeros(all);
  return {
    isNegative: sign === '-',
    digits,
    exponent: Number(power) - fraction.length + (all.length - digits.length),
  };
}

/** By hand, as `/0+$/` takes a time that grows with the square of the zeros in the middle. */
function withoutTrailingZeros(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}
