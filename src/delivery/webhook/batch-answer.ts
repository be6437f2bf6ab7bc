import { z } from 'zod';
import { limits } from '../../core/limits.ts';
import { printable } from '../../core/printable.ts';
import type { BodyEnd } from './exchange.ts';

/** Holds what a consumer says of one item: 0 accepts it, all else is read as an HTTP status. */
export interface ItemAnswer {
  readonly code: number;
  readonly message: string;
}

/** A batch's answer: about its items, about the whole, or not to be read. */
export type BatchAnswer =
  | { readonly kind: 'items'; readonly items: ReadonlyMap<string, ItemAnswer> }
  | { readonly kind: 'whole' }
  | { readonly kind: 'unreadable'; readonly why: string };

const schema = z.object({
  results: z.array(
    z.object({
      sync_id: z.union([z.number().int(), z.string()]),
      code: z.number().int().min(0).max(999),
      message: z.string().nullish(),
    }),
  ),
});

/** Holds what was read of an answer. */
export interface AnswerRead {
  readonly body: string | null;
  readonly bodyEnd: BodyEnd;
  /** Of its bytes; null: as they are. */
  readonly contentEncoding: string | null;
}

const cutOff: Readonly<Record<Exclude<BodyEnd, 'whole'>, string>> = {
  long: 'it is longer than is read',
  late: 'it did not end in time',
  cut: 'it broke off',
};

/**
 * Reads the answer to a batch (contract, "The webhook"). A body that is no JSON object with `results` speaks of
 * the whole. An object that is cut off before all of it was seen, results that are malformed, and what was compressed
 * though that was not asked for are unreadable: taking it as accepted could lose what it refuses.
 */
export function parseBatchAnswer({ body, bodyEnd, contentEncoding }: AnswerRead): BatchAnswer {
  if (contentEncoding !== null)
    return { kind: 'unreadable', why: `its Content-Encoding is ${printable(contentEncoding, 40)}` };
  const text = body?.trimStart() ?? '';
  if (!text.startsWith('{')) return { kind: 'whole' };
  if (bodyEnd !== 'whole') return { kind: 'unreadable', why: cutOff[bodyEnd] };
  if (!text.includes('"results"')) return { kind: 'whole' };
  const parsed = schema.safeParse(jsonOf(text));
  if (!parsed.success)
    return { kind: 'unreadable', why: 'its "results" are not of the form {sync_id, code, message}' };
  const items = new Map<string, ItemAnswer>();
  for (const { sync_id, code, message } of parsed.data.results) {
    // One named twice is accepted only where both times say so.
    if (code === 0 && items.has(String(sync_id))) continue;
    items.set(String(sync_id), { code, message: printable(message ?? '', limits.excerptChars) });
  }
  return { kind: 'items', items };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
