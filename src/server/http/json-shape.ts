import { HubError } from '../../core/errors.ts';

/**
 * Levels, keys of one object, and values in all. Parsing takes under half a second within them; a thousand vouchers of
 * 8 KiB have some 200,000 values. Business data of far fewer levels is refused by name, later.
 */
export const jsonLimits = { depth: 120_000, keys: 10_000, values: 250_000 } as const;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const backslash = 0x5c;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Refuses a JSON text that a parser would take seconds for, although it is not long: one that is nested deep, has an
 * object of very many keys, or very many values. It counts marks outside of strings, in one pass over the bytes, and
 * leaves it to the parser whether the text is valid.
 * @returns a HubError LIMIT_EXCEEDED that names the limit; null: the shape is fine
 */
export function shapeFault(body: Buffer): HubError | null {
  // The keys of each object that is open, by its depth: a body has no more levels than bytes.
  const keys = new Uint32Array(Math.min(jsonLimits.depth, body.length) + 1);
  let depth = 0;
  let values = 1;
  for (let at = 0; at < body.length; at += 1) {
    const mark = body[at];
    if (mark === quote) at = endOfString(body, at);
    else if (mark === openBrace || mark === openBracket) {
      depth += 1;
      values += 1;
      if (depth > jsonLimits.depth) return tooLarge(`is nested deeper than ${jsonLimits.depth} levels`);
      keys[depth] = 0;
    } else if (mark === closeBrace || mark === closeBracket) depth = Math.max(0, depth - 1);
    else if (mark === comma) values += 1;
    else if (mark === colon) {
      const count = (keys[depth] ?? 0) + 1;
      keys[depth] = count;
      if (count > jsonLimits.keys) return tooLarge(`has an object of more than ${jsonLimits.keys} keys`);
    }
    if (values > jsonLimits.values) return tooLarge(`has more than ${jsonLimits.values} values`);
  }
  return null;
}

/** The place of the quote that ends the string; the text's end where there is none. */
function endOfString(body: Buffer, begin: number): number {
  for (let end = body.indexOf(quote, begin + 1); end !== -1; end = body.indexOf(quote, end + 1)) {
    let before = end - 1;
    while (body[before] === backslash) before -= 1;
    if ((end - before) % 2 === 1) return end;
  }
  return body.length;
}

function tooLarge(what: string): HubError {
  return new HubError('LIMIT_EXCEEDED', `The body ${what}. Send it in several requests.`, { field: 'body' });
}
