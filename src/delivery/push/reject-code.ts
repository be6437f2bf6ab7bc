import { deliveryCodeOf } from '../../core/delivery-codes.ts';
import { badInput } from '../../core/errors.ts';

/** The form of a consumer's code: it stands in logs, filters and metrics. */
const form = /^[A-Za-z0-9_.:-]{1,64}$/;

/** @throws HubError BAD_USER_INPUT for a code that a consumer may not give */
export function checkRejectCode(code: string): void {
  if (!form.test(code)) throw badInput('code', 'code: 1 to 64 letters, digits and _ . : -');
  const own = deliveryCodeOf(code);
  if (own === undefined) return;
  // From a consumer it would tell operators what is not so.
  throw badInput(
    'code',
    `code: ${code} is one of the hub's own codes (docs/delivery-codes.md) and says: ${own.meaning} Give one of yours.`,
  );
}
