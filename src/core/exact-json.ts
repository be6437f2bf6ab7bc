import { survivesJson } from './exact-number.ts';
import { shownKey, shownNumber } from './shown-value.ts';

/** A value that a JSON text has and its parsed form has not. */
export interface JsonFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Stands in a parsed value in the place of what must not be taken as it was parsed. */
export class UnfitValue {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }
}

/** A number that may have more digits than a double keeps, or an exponent; strings may look so too. */
const suspiciousNumber = /[:,[]\s*(-?(?:\d[\d.]{15,}(?:[eE][+-]?\d+)?|\d+(?:\.\d+)?[eE][+-]?\d+))/g;

/** Past it a text is read no further: GraphQL refuses such values anyhow. */
const deepest = 500;
const toldFaults = 20;
/** Faults of one text after which it is read no further: each voucher of a full batch may have two. */
const mostFaults = 2_000;

/**
 * Gives what a parser silently changed in a valid JSON text: numbers that a double does not hold, and keys that stand twice in
 * an object. Nearly every text is found to have neither by two quick looks; the others are read once more, by hand.
 * @param value what `JSON.parse` made of the text
 * @returns the value with an `UnfitValue` in each such place
 * @throws SyntaxError where that one is nested too deep, or has more faults than a full batch of vouchers
 */
export function exactly(text: string, value: unknown): { value: unknown; faults: readonly JsonFault[] } {
  if (countKeyTexts(text) === countKeys(value) && !seemsChanged(text)) return { value, faults: [] };
  return new ExactReader(text).read();
}

/** Tells whether something that looks like a number would change; it may stand in a string. */
function seemsChanged(text: string): boolean {
  for (const [, number = ''] of text.matchAll(suspiciousNumber)) if (!survivesJson(number)) return true;
  return false;
}

/** A fault's place as an input field is named: `[1].businessData.amount`. */
export function placeText(path: readonly (string | number)[]): string {
  const parts = path.map(part => (typeof part === 'number' ? `[${part}]` : `.${shownKey(part)}`));
  return parts.join('').replace(/^\./, '');
}

/** Gives what is said of a number that would become another one. */
export function changedNumber(text: string): string {
  return `${shownNumber(text)} would become another one in JSON's readers; send it as a string.`;
}

/** Keys in the text: quotes before a colon. Within strings there may be more of them, but never fewer than there are keys. */
function countKeyTexts(text: string): number {
  let count = 0;
  for (let at = text.indexOf(':'); at !== -1; at = text.indexOf(':', at + 1)) {
    let before = at - 1;
    while (isSpace(text.charCodeAt(before))) before -= 1;
    if (text.charCodeAt(before) === 0x22) count += 1;
  }
  return count;
}

function countKeys(value: unknown): number {
  let count = 0;
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const at = waiting.pop();
    if (typeof at !== 'object' || at === null) continue;
    const items: unknown[] = Object.values(at);
    if (!Array.isArray(at)) count += items.length;
    for (const item of items) if (typeof item === 'object' && item !== null) waiting.push(item);
  }
  return count;
}

function isSpace(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

const token = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const stringToken = /"[^"\\]*(?:\\.[^"\\]*)*"/y;

/** Reads a text that is known to be valid JSON. */
class ExactReader {
  readonly #text: string;
  readonly #faults: JsonFault[] = [];
  readonly #path: (string | number)[] = [];
  #at = 0;
  #faultCount = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): { value: unknown; faults: readonly JsonFault[] } {
    const value = this.#value();
    return { value, faults: this.#faults };
  }

  #value(): unknown {
    const first = this.#next();
    if (first === '{') return this.#object();
    if (first === '[') return this.#array();
    if (first === '"') return this.#string();
    const text = this.#take(token);
    if (text === 'null') return null;
    if (text === 'true' || text === 'false') return text === 'true';
    return survivesJson(text) ? Number(text) : this.#unfit(changedNumber(text));
  }

  #object(): unknown {
    const entries = new Map<string, unknown>();
    this.#enter();
    while (this.#next() !== '}') {
      const key = this.#string();
      this.#next();
      this.#at += 1;
      this.#path.push(key);
      const value = this.#value();
      const isTwice = entries.has(key);
      entries.set(key, isTwice ? this.#unfit('this key stands twice in its object.') : value);
      this.#path.pop();
      this.#skipComma();
    }
    this.#at += 1;
    // It defines own properties, so a key `__proto__` is data like any other.
    return Object.fromEntries(entries);
  }

  #array(): unknown {
    const items: unknown[] = [];
    this.#enter();
    while (this.#next() !== ']') {
      this.#path.push(items.length);
      items.push(this.#value());
      this.#path.pop();
      this.#skipComma();
    }
    this.#at += 1;
    return items;
  }

  #enter(): void {
    if (this.#path.length > deepest) throw new SyntaxError('The JSON is nested too deep.');
    this.#at += 1;
  }

  #string(): string {
    const quoted = this.#take(stringToken);
    if (!quoted.includes('\\')) return quoted.slice(1, -1);
    const text: unknown = JSON.parse(quoted);
    return String(text);
  }

  /** The next character that is no space. */
  #next(): string {
    while (isSpace(this.#text.charCodeAt(this.#at))) this.#at += 1;
    return this.#text.charAt(this.#at);
  }

  #skipComma(): void {
    if (this.#next() === ',') this.#at += 1;
  }

  #take(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw new SyntaxError('The text is no JSON.');
    this.#at += found.length;
    return found;
  }

  #unfit(message: string): UnfitValue {
    this.#faultCount += 1;
    if (this.#faultCount > mostFaults)
      throw new SyntaxError(
        `More than ${mostFaults} numbers or keys would change; send such numbers as strings.`,
      );
    if (this.#faults.length < toldFaults) this.#faults.push({ path: [...this.#path], message });
    return new UnfitValue(message);
  }
}
