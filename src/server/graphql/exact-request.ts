import type { SubscribePayload } from 'graphql-ws';
import { z } from 'zod';
import { badInput, type HubError, messageOf } from '../../core/errors.ts';
import { exactly, type JsonFault, placeText } from '../../core/exact-json.ts';

/**
 * Why a request is refused whole, for what its text says and its parsed form does not; null: it may go on. Faults in
 * business data are left to intake, which refuses the one voucher and records its neighbours.
 * @param faults with paths from the request: `variables`, the variable's name …
 */
export function inexactRequest(faults: readonly JsonFault[]): HubError | null {
  const fault = faults.find(({ path }) => !isBusinessData(path));
  if (fault === undefined) return null;
  const [root, name, ...within] = fault.path;
  const place = placeText(root !== 'variables' || within.length === 0 ? fault.path : within);
  const told = root === 'variables' && within.length > 0 ? `Variable "$${String(name)}", ` : '';
  return badInput(place, `${told}${place}: ${fault.message}`);
}

/** Of `recordVoucher`'s input, or of one of `recordVouchers`. */
function isBusinessData([root, , first, second]: readonly (string | number)[]): boolean {
  if (root !== 'variables') return false;
  return first === 'businessData' || (typeof first === 'number' && second === 'businessData');
}

const withVariables = z.object({ payload: z.object({ variables: z.record(z.string(), z.unknown()) }) });

/**
 * An operation that came over a socket, with its variables as the message's text has them.
 * @param message the same as it was parsed
 * @returns why it is refused; else what is to run
 */
export function exactOperation(
  text: string,
  message: { id: string; type: string; payload: SubscribePayload },
): SubscribePayload | HubError {
  try {
    const { value, faults } = exactly(text, message);
    if (faults.length === 0) return message.payload;
    const within = faults.map(fault => ({ ...fault, path: fault.path.slice(1) }));
    const { payload } = withVariables.parse(value);
    return inexactRequest(within) ?? { ...message.payload, variables: payload.variables };
  } catch (error) {
    return badInput('variables', messageOf(error));
  }
}
