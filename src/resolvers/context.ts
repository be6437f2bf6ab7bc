import type { Caller } from '../access/caller.ts';
import { HubError } from '../core/errors.ts';
import type { Live } from './live.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import { type AnswerWarning, OperationBudget } from './operation-budget.ts';
import { type Databases, Reading } from './reading.ts';

/** Holds what an operation's resolvers know: who calls, and the loaders that batch its reads. One an operation. */
export interface OperationContext {
  /** Null: no key, or one that is not good. */
  readonly caller: Caller | null;
  /** True when a key was given at all. */
  readonly keyGiven: boolean;
  readonly requestId: string;
  /** Holds what GraphQL subscriptions read from. */
  readonly live: Live;
  readonly reading: Reading;
  readonly loaders: Loaders;
  readonly budget: OperationBudget;
  /** Ends one answer: gives what is to be told with it. A subscription's next event is read and counted anew. */
  endAnswer(): AnswerWarning[];
}

/** @throws HubError UNAUTHENTICATED */
export function callerOf(context: OperationContext): Caller {
  if (context.caller === null) {
    throw new HubError(
      'UNAUTHENTICATED',
      context.keyGiven
        ? 'The API key is unknown or revoked.'
        : 'An API key is needed: send the header Authorization: Bearer <key>.',
    );
  }
  return context.caller;
}

/** A fresh context; call it once an operation, on the socket too. Loaders remember what they read for one answer. */
export function createContext(
  { databases, live }: { databases: Databases; live: Live },
  who: { caller: Caller | null; keyGiven: boolean },
  requestId: string,
): OperationContext {
  let loaders: Loaders | undefined;
  const reading = new Reading(databases, who.caller);
  const budget = new OperationBudget();
  return {
    ...who,
    live,
    requestId,
    reading,
    budget,
    // Made when first asked for: an operation that only records needs none.
    get loaders() {
      loaders ??= createLoaders(reading, who.caller, budget);
      return loaders;
    },
    endAnswer() {
      loaders = undefined;
      return budget.close();
    },
  };
}
