import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib';
import { limits } from './limits.ts';

/** An answer of a program that is not ours, or the first part of it. */
export interface ForeignAnswer {
  readonly bytes: Buffer;
  /** Null: it has no such header. */
  readonly contentType: string | null;
  readonly contentEncoding: string | null;
}

/**
 * Reads an answer as text. Many back ends in China answer in GBK, with or without saying so, and frameworks write
 * `ISO-8859-1` on everything. So a character set that is named is believed where the bytes fit it; UTF-8 comes before
 * one that fits all bytes, and GB18030 (which holds GBK) behind it. The last character may be cut.
 */
export function textOf({ bytes, contentType, contentEncoding }: ForeignAnswer): string {
  if (contentEncoding === null) return decoded(bytes, contentType);
  const expanded = expand(bytes, contentEncoding);
  return expanded === null ? `[${contentEncoding}, ${bytes.length} bytes]` : decoded(expanded, contentType);
}

/**
 * Text for people to read: in what looks like JSON, `\uXXXX` and `\/` become the characters that they mean. Controls and
 * what JSON must escape stay as they are.
 */
export function legible(text: string): string {
  if (!text.includes('\\') || !/^\s*["[{]/.test(text)) return text;
  return text.replace(/\\(?:u([\da-fA-F]{4})|[^])/g, (escape, digits: string | undefined) => {
    if (escape === '\\/') return '/';
    const character = digits === undefined ? '' : String.fromCharCode(Number.parseInt(digits, 16));
    return /^[^\p{Cc}"\\]$/u.test(character) ? character : escape;
  });
}

const replacement = '\ufffd';
const boms = [
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
] as const;
/** Names of sets in which any bytes are some text. */
const takesAll = /^(?:iso-?8859-?1|latin-?1|us-ascii|ascii|windows-1252|cp1252)$/;

function decoded(bytes: Buffer, contentType: string | null): string {
  const named = /;\s*charset\s*=\s*"?([^\s";,]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase();
  const marked = boms.find(([, bom]) => bom.every((byte, at) => bytes[at] === byte))?.[0];
  const plain = bytes.toString('utf8');
  const isUtf8 = named === undefined || named === 'utf-8' || takesAll.test(named);
  if (isUtf8 && marked === undefined && !plain.includes(replacement)) return plain;
  const tried = [
    ...(marked === undefined ? [] : [marked]),
    ...(isUtf8 ? ['utf-8'] : [named, 'utf-8']),
    ...(named !== undefined && takesAll.test(named) ? [named] : []),
    'gb18030',
  ];
  for (const set of tried) {
    const text = decodeAs(set, bytes);
    if (text !== null) return text;
  }
  return plain;
}

/** Null: the set is not known, or the bytes are none of it. */
function decodeAs(set: string, bytes: Buffer): string | null {
  try {
    // As a stream, the end of what was cut within a character is no fault.
    const text = new TextDecoder(set, { fatal: true }).decode(bytes, { stream: true });
    // Where the last byte alone is not ASCII, and was left out, nothing speaks for this set.
    const alone = (bytes.at(-1) ?? 0) >= 0x80 && (bytes.at(-2) ?? 0) < 0x80;
    return alone && /^\p{ASCII}*$/u.test(text) ? null : text;
  } catch {
    return null;
  }
}

/** Expands what was compressed though nobody asked for that; null: it can't be, or would become too long. */
function expand(bytes: Buffer, encoding: string): Buffer | null {
  const maxOutputLength = limits.expandedAnswerBytes;
  const cut = { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH };
  try {
    switch (encoding.trim().toLowerCase()) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(bytes, cut);
      case 'deflate':
        return inflateSync(bytes, cut);
      case 'br':
        return brotliDecompressSync(bytes, {
          maxOutputLength,
          finishFlush: constants.BROTLI_OPERATION_FLUSH,
        });
      default:
        return null;
    }
  } catch {
    return null;
  }
}
