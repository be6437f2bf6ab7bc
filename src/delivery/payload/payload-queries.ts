import type { DocumentNode, GraphQLSchema } from 'graphql';
import { LRUCache } from 'lru-cache';
import { limits } from '../../core/limits.ts';
import type { FrozenEvent } from './frozen-event.ts';
import { compilePayloadQuery, runPayloadQuery, type Shaped, type SizeCheck } from './payload-query.ts';
import { payloadSchemaOf } from './payload-schema.ts';

/** A compiled query under a short name of its own, or why there is none. */
type Kept = { readonly document: DocumentNode; readonly name: number } | { readonly fault: string };

/**
 * The payload queries of subscriptions (contract, `payloadQuery`): compiled once a text, run once an event and text,
 * so that subscriptions of one shape, and retries, share the result.
 */
export class PayloadQueries {
  readonly #schema: GraphQLSchema;
  readonly #checkSize: SizeCheck;
  readonly #compiled = new LRUCache<string, Kept>({
    maxSize: limits.payloadQueriesKeptChars,
    sizeCalculation: (_, text) => text.length + 1,
  });
  readonly #shaped = new LRUCache<string, string>({
    maxSize: limits.payloadsKeptChars,
    sizeCalculation: dataJson => dataJson.length,
  });
  #names = 0;

  /**
   * @param hubSchema the text of the hub's schema
   * @throws Error when it is no GraphQL schema, or has no VoucherEvent
   */
  constructor(hubSchema: string, checkSize: SizeCheck) {
    this.#schema = payloadSchemaOf(hubSchema);
    this.#checkSize = checkSize;
  }

  /** Gives what is wrong with a query, with line and column; null: nothing. */
  faultOf(text: string): string | null {
    const kept = this.#compile(text);
    return 'fault' in kept ? kept.fault : null;
  }

  /** Shapes one event: the same text for the same event, whenever it is asked for. */
  shape(text: string, event: FrozenEvent): Shaped {
    const kept = this.#compile(text);
    if ('fault' in kept) return kept;
    const key = `${kept.name}/${event.eventId}`;
    const known = this.#shaped.get(key);
    if (known !== undefined) return { dataJson: known };
    const shaped = runPayloadQuery(kept.document, this.#schema, event);
    if ('dataJson' in shaped) this.#shaped.set(key, shaped.dataJson);
    return shaped;
  }

  #compile(text: string): Kept {
    const known = this.#compiled.get(text);
    if (known !== undefined) return known;
    const made = compilePayloadQuery(text, this.#schema, this.#checkSize);
    const kept = 'fault' in made ? made : { ...made, name: ++this.#names };
    this.#compiled.set(text, kept);
    return kept;
  }
}
