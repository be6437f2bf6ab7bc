import { HubError } from '../core/errors.ts';
import type { Role } from '../core/model.ts';

/** Says who calls: an API key's identity, never its secret. */
export interface Caller {
  readonly keyId: string;
  readonly role: Role;
  /** The system that the key is bound to; null: none (analysts and administrators). */
  readonly system: string | null;
}

/** @throws HubError FORBIDDEN unless the caller's role is among `roles`; an administrator may do everything */
export function requireRole(caller: Caller, ...roles: Role[]): void {
  if (caller.role === 'admin' || roles.includes(caller.role)) return;
  throw new HubError(
    'FORBIDDEN',
    `${/^[aeiou]/.test(caller.role) ? 'An' : 'A'} ${caller.role} key may not do this; it takes ${['admin', ...roles].join(' or ')}.`,
  );
}

/**
 * The source system whose vouchers a caller may see: null is all of them.
 * @throws HubError FORBIDDEN for subscribers, who see vouchers only through their own syncs and `voucherBySource`
 */
export function visibleSourceSystem(caller: Caller): string | null {
  return caller.role === 'publisher' ? caller.system : null;
}

/** The target system whose subscriptions a caller may see: null is all of them. */
export function visibleTargetSystem(caller: Caller): string | null {
  return caller.role === 'subscriber' ? caller.system : null;
}

/**
 * The target system whose subscriptions, and all that belongs to them, a caller may read: null is all of them.
 * @throws HubError FORBIDDEN for publishers
 */
export function readableTargetSystem(caller: Caller): string | null {
  requireRole(caller, 'subscriber', 'analyst');
  return visibleTargetSystem(caller);
}

/**
 * The target system whose subscriptions, and all that belongs to them, a caller may change: null is all of them.
 * @throws HubError FORBIDDEN for publishers and analysts
 */
export function writableTargetSystem(caller: Caller): string | null {
  requireRole(caller, 'subscriber');
  return visibleTargetSystem(caller);
}

/** Tells whether a caller may see the addresses of a target system's consumers whole: they may hold tokens. */
export function mayReadAddresses({ role, system }: Caller, targetSystem: string): boolean {
  return role === 'admin' || (role === 'subscriber' && system === targetSystem);
}
