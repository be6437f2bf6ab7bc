import { deliveryCodeOf, type HubCode } from '../../core/delivery-codes.ts';
import type { FailureCount } from '../../db/monitoring/reading-statements.ts';
import type { RuleName } from './rules.ts';

/** Holds what a failure is judged by. */
export type FailureKind = Pick<FailureCount, 'errorCode' | 'refused'>;

/** Tells the failures that a rule is about: those of others must not stand in its alert. */
export function isMeantBy(rule: RuleName): (failure: FailureKind) => boolean {
  if (rule === 'data_refused') return isRefusal;
  if (rule === 'payload_query')
    return ({ errorCode }) => errorCode === ('PAYLOAD_QUERY_INVALID' satisfies HubCode);
  if (rule === 'gone') return ({ errorCode }) => errorCode === 'HTTP_410';
  return () => true;
}

/** A code that is not in the catalogue is a consumer's own: whether it refuses the data stands beside it. */
function isRefusal({ errorCode, refused }: FailureKind): boolean {
  return deliveryCodeOf(errorCode)?.isRefusal ?? refused;
}
