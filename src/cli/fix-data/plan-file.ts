import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { HubError } from '../../core/errors.ts';
import { faultWords } from '../../core/fault-words.ts';
import { fileFault } from '../../core/file-fault.ts';
import type { FixPlanItemInput } from '../generated/graphql.ts';
import type { ShownDifference } from './differences.ts';

/** Bytes of a plan: 10,000 items whose names are as long as they may be take less. */
const maxBytes = 64 * 1_048_576;

const version = z.number().int().nullable();
const digest = z.string().nullable();
const planSchema = z.object({
  plan: z.literal('voucher-hub fix-data'),
  items: z
    .array(
      z.object({
        subscriptionId: z.string(),
        kind: z.enum(['MISSING', 'STALE', 'DIVERGENT', 'UNEXPECTED']),
        sourceSystem: z.string(),
        sourceModule: z.string(),
        sourceId: z.string(),
        expectedVersion: version,
        expectedDigest: digest,
        actualVersion: version,
        actualDigest: digest,
      }),
    )
    .min(1),
});

/** A plan: what a dry run found and would send. What is not sent (UNEXPECTED) is not in it. */
export function planOf(differences: readonly ShownDifference[]): { plan: string; items: object[] } {
  return {
    plan: 'voucher-hub fix-data',
    items: differences
      .filter(({ kind }) => kind !== 'UNEXPECTED')
      .map(({ subscription, repaired: _repaired, ...one }) => ({ subscriptionId: subscription.id, ...one })),
  };
}

/** Reads a plan. @throws HubError BAD_USER_INPUT for a file that is none */
export async function readPlan(file: string): Promise<FixPlanItemInput[]> {
  const text = await readBounded(file).catch((error: unknown) => {
    throw planError(`${file} can't be read: ${fileFault(error)}.`, error);
  });
  if (text === null)
    throw planError(`${file} is no plan of fix-data: it is longer than ${maxBytes} bytes.`, undefined);
  const parsed = planSchema.safeParse(jsonOf(text), { error: faultWords });
  if (parsed.success) return parsed.data.items;
  const [issue] = parsed.error.issues;
  const isOther = issue === undefined || issue.path.length === 0 || issue.path[0] === 'plan';
  const fault = isOther ? '' : `: ${issue.path.map(String).join('.')} ${issue.message}`;
  throw planError(
    `${file} is no plan of fix-data${fault}. \`hub fix-data --dry-run --plan FILE\` writes one.`,
    parsed.error,
  );
}

/** Null: longer than any plan. */
async function readBounded(file: string): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  const stream: AsyncIterable<Buffer> = createReadStream(file, { end: maxBytes });
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
  }
  return length > maxBytes ? null : Buffer.concat(chunks).toString('utf8');
}

function planError(message: string, cause: unknown): HubError {
  return new HubError('BAD_USER_INPUT', `--apply: ${message}`, { cause });
}

/** Null: no JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
