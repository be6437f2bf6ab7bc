import { badInput } from '../../core/errors.ts';

/** What a consumer's code may be: it stands in logs, filters and metrics. */
const form = /^[A-Za-z0-9_.:-]{1,64}$/;

/** Codes that say what the hub itself found: from a consumer they would tell operators what is not so. */
const ownCodes = new Set([
  'ACK_TIMEOUT',
  'BATCH_ANSWER_UNREADABLE',
  'BATCH_ITEM_MISSING',
  'HUB_FAULT',
  'LEASE_EXPIRED',
  'PAYLOAD_QUERY_INVALID',
  'SOCKET_CLOSED',
  'SUBSCRIPTION_DELETED',
  'TARGET_NOT_ALLOWED',
]);

/** @throws HubError BAD_USER_INPUT for a code that a consumer may not give */
export function checkRejectCode(code: string): void {
  if (!form.test(code)) throw badInput('code', 'code: 1 to 64 letters, digits and _ . : -');
  if (ownCodes.has(code) || code.startsWith('HTTP_'))
    throw badInput(
      'code',
      `code: ${code} is one of the hub's own (HTTP_… and ${[...ownCodes].join(', ')} are kept for what the hub finds); give one of yours.`,
    );
}
