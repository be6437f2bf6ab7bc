/** One finding. */
export interface Check {
  /** Holds what was looked at: settings, database, queue … */
  readonly name: string;
  /** `warn`: it works, or it can't be told; `fail`: it must be mended. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** Holds what to do about it. */
  readonly mend?: string;
}

/**
 * Holds what a finding is about: the environment of the command itself (its settings, and what they name), the hub that
 * runs, or that hub's targets, tried from here.
 */
export type CheckScope = 'environment' | 'hub' | 'targets';

/** A finding with what it is about. */
export interface Finding extends Check {
  readonly of: CheckScope;
}

/** The findings of one area: made by what its checks give, in their order. */
export function checksOf(name: string): {
  ok: (message: string) => Check;
  warn: (message: string, mend?: string) => Check;
  fail: (message: string, mend?: string) => Check;
} {
  return {
    ok: message => ({ name, status: 'ok', message }),
    warn: (message, mend) => ({ name, status: 'warn', message, mend }),
    fail: (message, mend) => ({ name, status: 'fail', message, mend }),
  };
}
