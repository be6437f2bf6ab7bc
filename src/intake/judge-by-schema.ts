import type { Clock } from '../core/clock.ts';
import { limits } from '../core/limits.ts';
import type { Catalogue } from './catalogue.ts';
import type { PreparedContent } from './voucher-content.ts';

/**
 * Has the schemas judge the vouchers of one call, before their commit: so a schema that takes long holds no lock, and
 * others have their turn in between. Whether a verdict counts is decided by the catalogue that the commit goes by.
 */
export async function judgeBySchema(
  contents: readonly PreparedContent[],
  catalogue: Catalogue,
  clock: Clock,
): Promise<void> {
  const budget = { left: limits.schemaCallSteps };
  let turnAt = clock.steady();
  for (const content of contents) {
    catalogue.judge(content, budget);
    if (content.verdict === null || clock.steady() - turnAt < limits.schemaTurnMs) continue;
    await new Promise(resolve => setImmediate(resolve));
    turnAt = clock.steady();
  }
}
