import { z } from 'zod';

const clientMessage = z.object({ type: z.enum(['subscribe', 'complete']), id: z.string() });

/** What becomes of a message: it goes on to graphql-ws, it is dealt with here, or it breaks the protocol. */
type IdVerdict = 'pass' | 'taken' | 'duplicate';

/**
 * Keeps an operation's id from being used again while the first one still ends. A client may complete an operation and
 * subscribe under the same id at once (graphql-transport-ws, "Complete"). graphql-ws knows operations by their id alone:
 * the answer of the first would be sent as the second's, and its end would end the second.
 */
export class ReusedIds {
  /** Operations that graphql-ws still works on. */
  readonly #running = new Set<string>();
  /** Those of them that their client has completed. */
  readonly #completed = new Set<string>();
  /** Messages that wait for the end of the operation before, by id: as many as operations run, at most. */
  readonly #held = new Map<string, string>();

  /** Looks at a message before graphql-ws does. */
  look(text: string): IdVerdict {
    if (this.#running.size === 0 || (this.#completed.size === 0 && !text.includes('complete'))) return 'pass';
    const message = clientMessage.safeParse(parsed(text)).data;
    if (message === undefined || !this.#running.has(message.id)) return 'pass';
    const { id } = message;
    if (message.type === 'complete') {
      if (this.#held.delete(id)) return 'taken';
      this.#completed.add(id);
      return 'pass';
    }
    if (!this.#completed.has(id)) return 'pass';
    if (this.#held.has(id)) return 'duplicate';
    this.#held.set(id, text);
    return 'taken';
  }

  /** Says that graphql-ws begins to work on an operation. */
  began(id: string): void {
    this.#running.add(id);
  }

  /** Says that graphql-ws is through with it. @returns the message that waited for that */
  ended(id: string): string | undefined {
    this.#running.delete(id);
    this.#completed.delete(id);
    const text = this.#held.get(id);
    this.#held.delete(id);
    return text;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
