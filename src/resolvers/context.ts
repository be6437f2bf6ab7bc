import type { Caller } from '../access/caller.ts';
import { HubError } from '../core/errors.ts';
import type { Database } from '../db/database.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** What an operation's resolvers know: who calls, and the loaders that batch its reads. One an operation. */
export interface OperationContext {
  /** Null: no key, or one that is not good. */
  readonly caller: Caller | null;
  readonly requestId: string;
  readonly loaders: Loaders;
}

/** @throws HubError UNAUTHENTICATED */
export function callerOf(context: OperationContext): Caller {
  if (context.caller === null) {
    throw new HubError(
      'UNAUTHENTICATED',
      'An API key is needed: send the header Authorization: Bearer <key>.',
    );
  }
  return context.caller;
}

/** A fresh context; call it once an operation, on the socket too. */
export function createContext(db: Database, caller: Caller | null, requestId: string): OperationContext {
  let loaders: Loaders | undefined;
  return {
    caller,
    requestId,
    // Made when first asked for: an operation that only records needs none.
    get loaders() {
      return (loaders ??= createLoaders(db, caller));
    },
  };
}
