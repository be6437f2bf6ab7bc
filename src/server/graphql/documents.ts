import {
  type DocumentNode,
  type GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { limits } from '../../core/limits.ts';
import { checkDocumentLength } from './operation-limits.ts';

/** Characters of all the texts that are kept. */
const keptChars = 1_000_000;

/**
 * Documents that were found valid, by their text: a consumer acknowledges by one and the same text again and again.
 * As Apollo keeps them for HTTP.
 */
export class Documents {
  readonly #schema: GraphQLSchema;
  readonly #valid = new LRUCache<string, DocumentNode>({
    maxSize: keptChars,
    sizeCalculation: (_document, text) => text.length + 1,
  });

  constructor(schema: GraphQLSchema) {
    this.#schema = schema;
  }

  /** The document, or what is wrong with it. @throws GraphQLError, HubError for text that is no GraphQL, or too long */
  read(text: string): DocumentNode | readonly GraphQLError[] {
    const known = this.#valid.get(text);
    if (known !== undefined) return known;
    checkDocumentLength(text);
    const document = parse(text, { maxTokens: limits.tokens });
    const faults = validate(this.#schema, document, specifiedRules);
    if (faults.length > 0) return faults;
    this.#valid.set(text, document);
    return document;
  }
}
