import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { HubError, messageOf } from '../../core/errors.ts';
import type { FixPlanItemInput } from '../generated/graphql.ts';
import type { ShownDifference } from './differences.ts';

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
  try {
    return planSchema.parse(JSON.parse(await readFile(file, 'utf8'))).items;
  } catch (error) {
    const why = error instanceof z.ZodError ? (error.issues[0]?.message ?? '') : messageOf(error);
    throw new HubError('BAD_USER_INPUT', `--apply: ${file} is no plan of fix-data: ${why}`, { cause: error });
  }
}
