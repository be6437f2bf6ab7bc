/** Any value that JSON can hold. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** A JSON object. */
export type JsonObject = { readonly [key: string]: JsonValue };

/**
 * The exact text that Python's `json.dumps(value, sort_keys=True)` gives: the form of the hub's webhook bodies, and
 * what digests are made of. Pure ASCII.
 * @throws {TypeError} on NaN, an infinity, or what is not JSON
 */
export function pythonJson(value: JsonValue): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return stringText(value);
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map(pythonJson).join(', ')}]`;
  if (typeof value !== 'object') throw new TypeError(`${typeof value} is not JSON`);
  const keys = Object.keys(value).sort(byCodePoint);
  return `{${keys.map(key => `${stringText(key)}: ${pythonJson(value[key] ?? nullOrThrow(value, key))}`).join(', ')}}`;
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function nullOrThrow(value: JsonObject, key: string): null {
  if (value[key] === undefined) throw new TypeError(`undefined (at ${key}) is not JSON`);
  return null;
}

function stringText(text: string): string {
  return JSON.stringify(text).replace(
    /[\x7f-\uffff]/g,
    unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Python writes an exponent below 1e-4 (JavaScript: below 1e-6), and with two digits at least. */
function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`${value} is not JSON`);
  const small = value !== 0 && Math.abs(value) < 1e-4;
  // JSON.stringify, since it writes -0 as 0.
  const text = small ? value.toExponential() : JSON.stringify(value);
  return text.replace(/e([+-])(\d)$/, 'e$10$2');
}

/** Python sorts keys by code point. JavaScript's own order is that of UTF-16 units, where emoji precede U+E000. */
function byCodePoint(a: string, b: string): number {
  const [left, right] = [Array.from(a), Array.from(b)];
  for (let i = 0; i < left.length && i < right.length; i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
