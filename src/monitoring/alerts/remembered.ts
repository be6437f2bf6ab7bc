import { z } from 'zod';
import type { StateRow } from '../../db/monitoring/alert-statements.ts';
import type { RememberedState } from './evaluate.ts';
import { ruleNames } from './rules.ts';

const remembered = z.object({
  rule: z.enum(ruleNames),
  subject: z.string(),
  subscriptionId: z.string().nullable(),
  state: z.object({
    level: z.number(),
    since: z.array(z.number().nullable()),
    overSince: z.number().nullable(),
  }),
});

/** Gives what a rule remembers, as it was written; nothing for what another version wrote. */
export function rememberedState(row: StateRow): RememberedState[] {
  const parsed = remembered.safeParse(row);
  return parsed.success ? [parsed.data] : [];
}
