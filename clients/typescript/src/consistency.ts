import { isObject } from './event.ts';
import { Reject } from './reject.ts';

/** Which vouchers a check is about: by their date, YYYY-MM-DD, both inclusive; null: no bound. */
export interface ConsistencyFilter {
  readonly from: string | null;
  readonly to: string | null;
}

/** Holds what is held under a prefix of record keys. */
export interface ConsistencyNode {
  readonly prefix: string;
  readonly count: number;
  /** The XOR of the records' hashes, 16 hex digits. */
  readonly digest: string;
}

/** A record that is held. */
export interface ConsistencyEntry {
  readonly source_system: string;
  readonly source_module: string;
  readonly source_id: string;
  readonly source_version: number;
  readonly digest: string;
}

/** Holds what a consumer holds, as the consistency protocol asks for it. */
export interface ConsistencySource {
  /** One node a prefix, in their order. */
  nodes(prefixes: readonly string[], filter: ConsistencyFilter): Promise<ConsistencyNode[]>;
  /** The records under the prefixes; at most `limit`. */
  entries(prefixes: readonly string[], filter: ConsistencyFilter, limit: number): Promise<ConsistencyEntry[]>;
}

/** Bounds of one question: prefixes in it, and entries in its answer. */
const bounds = { prefixes: 65_536, entries: 50_000 };

/** Tells whether a webhook's body asks what is held. */
export function isConsistencyQuestion(body: Record<string, unknown>): boolean {
  return body.event === 'consistency.digest' || body.event === 'consistency.entries';
}

/**
 * Answers `consistency.digest` and `consistency.entries`.
 * @throws {Reject} 400 for a question that is malformed, 413 where the answer would be too large
 */
export async function answerConsistency(
  body: Record<string, unknown>,
  source: ConsistencySource,
): Promise<{ nodes: ConsistencyNode[] } | { entries: ConsistencyEntry[] }> {
  const prefixes = prefixesOf(body.prefixes);
  const filter = filterOf(body.filter);
  if (body.event === 'consistency.digest') return { nodes: await source.nodes(prefixes, filter) };
  const entries = await source.entries(prefixes, filter, bounds.entries + 1);
  if (entries.length > bounds.entries)
    throw new Reject('TOO_MANY_ENTRIES', `More than ${bounds.entries} entries; ask for digests first.`, {
      status: 413,
    });
  return { entries };
}

function prefixesOf(value: unknown): string[] {
  const prefixes: unknown[] = Array.isArray(value) ? value : [];
  const good = prefixes.filter(prefix => typeof prefix === 'string' && /^[0-9a-f]{0,64}$/.test(prefix));
  if (!Array.isArray(value) || good.length !== prefixes.length || good.length > bounds.prefixes)
    throw malformed(`prefixes: up to ${bounds.prefixes} texts of hex digits.`);
  return good.map(String);
}

function filterOf(value: unknown): ConsistencyFilter {
  if (value === null || value === undefined) return { from: null, to: null };
  if (!isObject(value)) throw malformed('filter: an object or null.');
  return { from: dayOf(value.from), to: dayOf(value.to) };
}

function dayOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(value)) return value;
  throw malformed('filter: days as YYYY-MM-DD, or null.');
}

function malformed(message: string): Reject {
  return new Reject('BAD_QUESTION', message, { status: 400 });
}
