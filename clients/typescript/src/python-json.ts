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

/** Holds what `JSON.stringify` escapes, or Python and it do not: all but printable ASCII without `"` and `\`. */
const special = /[^ !#-[\]-~]/;
const notAscii = /[\x7f-\uffff]/;
const notAsciiRuns = /[\x7f-\uffff]+/g;
/** From here on, the order of UTF-16 units and that of code points may differ. */
const surrogateOrAbove = /[\ud800-\uffff]/;

/** Keys recur from event to event: their texts are kept, so many at most, none longer than `keptKeyChars`. */
const keptKeys = 4_096;
const keptKeyChars = 64;
const keyTexts = new Map<string, string>();

/** Up to here an insertion sort beats the built-in one. */
const shortList = 32;

/**
 * Gives the exact text of Python's `json.dumps(value, sort_keys=True)`: webhook bodies and digests are made of it.
 * The numbers are those that Python reads from `JSON.stringify(value)`: -0 is `0`. Pure ASCII.
 * @throws {TypeError} on NaN, an infinity, or what is not JSON
 */
export function pythonJson(value: JsonValue): string {
  return textOf(value);
}

/** A string as Python's `json.dumps` writes it, quotes included. */
export function pythonString(text: string): string {
  if (!special.test(text)) return `"${text}"`;
  const json = JSON.stringify(text);
  return notAscii.test(json) ? json.replace(notAsciiRuns, escapeRun) : json;
}

function textOf(value: JsonValue | undefined): string {
  if (typeof value === 'string') return pythonString(value);
  if (value === null) return 'null';
  if (typeof value === 'number') return pythonNumber(value);
  if (typeof value === 'boolean') return value ? 'true' : 'false';
  if (isList(value)) return arrayText(value);
  if (typeof value === 'object') return objectText(value);
  throw new TypeError(`${typeof value} is not JSON`);
}

/** `Array.isArray` does not narrow readonly arrays. */
function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function arrayText(values: readonly JsonValue[]): string {
  let text = '';
  for (const value of values) text += text === '' ? textOf(value) : `, ${textOf(value)}`;
  return `[${text}]`;
}

function objectText(value: { readonly [key: string]: JsonValue }): string {
  let text = '';
  for (const key of sortedByCodePoint(Object.keys(value))) {
    text += text === '' ? keyText(key) : `, ${keyText(key)}`;
    text += textOf(value[key]);
  }
  return `{${text}}`;
}

function keyText(key: string): string {
  const kept = keyTexts.get(key);
  if (kept !== undefined) return kept;
  const text = `${pythonString(key)}: `;
  if (key.length <= keptKeyChars) {
    // Emptied rather than closed: business data with ever new keys must not shut the usual ones out.
    if (keyTexts.size >= keptKeys) keyTexts.clear();
    keyTexts.set(key, text);
  }
  return text;
}

/** Python's `repr` of a float has at least two digits of exponent, and an exponent from below 1e-4. */
function pythonNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return String(value);
  if (!Number.isFinite(value)) throw new TypeError(`${value} is not JSON`);
  const plain = String(value);
  const text = Math.abs(value) < 1e-4 && !plain.includes('e') ? value.toExponential() : plain;
  const [mantissa = '', exponent] = text.split('e');
  if (exponent === undefined) return text;
  const sign = exponent.startsWith('-') ? '-' : '+';
  return `${mantissa}e${sign}${exponent.slice(1).padStart(2, '0')}`;
}

function sortedByCodePoint(keys: string[]): string[] {
  let simple = true;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] ?? '';
    if (surrogateOrAbove.test(key)) simple = false;
    if (keys.length > shortList) continue;
    let at = i;
    for (; at > 0; at--) {
      const before = keys[at - 1] ?? '';
      if (before <= key) break;
      keys[at] = before;
    }
    keys[at] = key;
  }
  if (!simple) return keys.sort(compareCodePoints);
  return keys.length > shortList ? keys.sort() : keys;
}

/** UTF-16 puts U+10000 and above (surrogates, D800…DFFF) before U+E000…FFFF; Python does not. */
function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a.charCodeAt(i) === b.charCodeAt(i)) continue;
    // The unit that differs may be the second half of a pair, in one of them or in both, whose first is alike.
    const pairs = i === 0 ? 0 : codePoint(a, i - 1) - codePoint(b, i - 1);
    return pairs === 0 ? codePoint(a, i) - codePoint(b, i) : pairs;
  }
  return a.length - b.length;
}

function codePoint(text: string, at: number): number {
  return text.codePointAt(at) ?? 0;
}

function escapeRun(run: string): string {
  let text = '';
  for (let i = 0; i < run.length; i++) text += `\\u${run.charCodeAt(i).toString(16).padStart(4, '0')}`;
  return text;
}
