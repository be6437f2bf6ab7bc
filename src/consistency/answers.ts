import { z } from 'zod';
import { limits } from '../core/limits.ts';
import { printable } from '../core/printable.ts';
import type { TreeNode } from '../db/consistency/tree.ts';
import { type RecordName, recordKey } from './digests.ts';

/** A check that can't go on: the consumer did not answer as the protocol says, or a bound was reached. */
export class CheckFailedError extends Error {
  override readonly name: string = 'CheckFailedError';
}

/** More differs than a check takes. */
export class TooManyDifferencesError extends CheckFailedError {
  readonly count: number;

  /** @param unexpected how many of them the hub does not have: sending mends none of these */
  constructor(count: number, unexpected: number) {
    const advice =
      unexpected === 0
        ? 'A resync sends everything once more.'
        : `${unexpected.toLocaleString('en-US')} of those found are records that only the consumer has: the hub never deletes them, so see there where they come from.${unexpected < count ? ' A resync sends the others once more.' : ''}`;
    super(
      `More than ${limits.consistencyDifferences.toLocaleString('en-US')} records differ: nothing was repaired. ${advice}`,
    );
    this.count = count;
  }
}

/** A record as a consumer lists it. */
export interface HeldRecord extends RecordName {
  /** See `recordKey`. */
  readonly key: string;
  readonly sourceVersion: number;
  readonly digest: string;
}

/** NUL can be neither stored nor asked for. */
const text = z
  .string()
  .max(500)
  .regex(/^[^\0]*$/);
const nodes = z.object({
  nodes: z.array(
    z.object({
      prefix: z.string(),
      count: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER),
      digest: z.string().regex(/^[0-9a-f]{16}$/),
    }),
  ),
});
const entries = z.object({
  entries: z.array(
    z.object({
      source_system: text,
      source_module: text,
      source_id: text,
      source_version: z.number().int().min(Number.MIN_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER),
      digest: text,
    }),
  ),
});

/** Reads the answer to `consistency.digest`: one node for each prefix, by prefix. @throws CheckFailedError */
export function readNodes(answer: unknown, prefixes: readonly string[]): Map<string, TreeNode> {
  const parsed = nodes.safeParse(answer);
  if (!parsed.success) throw unreadable(answer, 'nodes', '{prefix, count, digest}', parsed.error);
  const byPrefix = new Map(parsed.data.nodes.map(node => [node.prefix, node]));
  if (parsed.data.nodes.length !== prefixes.length || prefixes.some(prefix => !byPrefix.has(prefix))) {
    throw new CheckFailedError(
      `The consumer was asked for ${prefixes.length} prefixes (${prefixes.slice(0, 3).join(', ')} …) and answered with ${parsed.data.nodes.length} nodes that are not one for each.`,
    );
  }
  return byPrefix;
}

/** Reads the answer to `consistency.entries`, which may hold only what was asked for, each once. @throws CheckFailedError */
export function readEntries(answer: unknown, prefixes: readonly string[]): HeldRecord[] {
  const parsed = entries.safeParse(answer);
  if (!parsed.success)
    throw unreadable(
      answer,
      'entries',
      '{source_system, source_module, source_id, source_version, digest}',
      parsed.error,
    );
  const asked = new Set(prefixes);
  const lengths = [...new Set(prefixes.map(prefix => prefix.length))];
  const seen = new Set<string>();
  return parsed.data.entries.map(entry => {
    const name = {
      sourceSystem: entry.source_system,
      sourceModule: entry.source_module,
      sourceId: entry.source_id,
    };
    const key = recordKey(name);
    const label = printable(`${entry.source_system}/${entry.source_module}/${entry.source_id}`, 100);
    if (seen.has(key)) throw new CheckFailedError(`The consumer listed ${label} twice in one answer.`);
    if (!lengths.some(length => asked.has(key.slice(0, length))))
      throw new CheckFailedError(
        `The consumer listed ${label}, which lies under none of the prefixes asked for.`,
      );
    seen.add(key);
    return { ...name, key, sourceVersion: entry.source_version, digest: entry.digest };
  });
}

/** Holds what a consumer may say in place of an answer, as it may over the socket. */
const saidError = z.object({ error: z.string().min(1) });

function unreadable(answer: unknown, what: string, form: string, error: z.ZodError): CheckFailedError {
  const said = saidError.safeParse(answer);
  if (said.success)
    return new CheckFailedError(`The consumer could not answer: ${printable(said.data.error, 200)}`);
  const place = error.issues[0]?.path.join('.') ?? '';
  return new CheckFailedError(
    `The consumer's answer can't be read: {"${what}": [${form}, …]} was expected${place === '' ? '' : `; the fault is at ${place.slice(0, 60)}`}.`,
  );
}
