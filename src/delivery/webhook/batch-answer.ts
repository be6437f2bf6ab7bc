import { z } from 'zod';
import { limits } from '../../core/limits.ts';
import { printable } from '../../core/printable.ts';

/** What a consumer says of one item: 0 accepts it, all else is read as an HTTP status. */
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

/**
 * Reads the answer to a batch (contract, "The webhook"). A body that is no JSON object with `results` speaks of
 * the whole. One that has them but is cut off, or is malformed, is unreadable: taking it as accepted could lose
 * what it refuses.
 */
export function parseBatchAnswer(body: string | null, complete: boolean): BatchAnswer {
  const text = body?.trimStart() ?? '';
  if (!text.startsWith('{') || !text.includes('"results"')) return { kind: 'whole' };
  if (!complete)
    return { kind: 'unreadable', why: `longer than ${limits.answerBytes} bytes, or not finished in time` };
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
