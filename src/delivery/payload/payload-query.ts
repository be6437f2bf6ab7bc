import { pythonJson } from '@voucher-hub/client/wire';
import {
  type ASTVisitor,
  type DocumentNode,
  executeSync,
  FieldsOnCorrectTypeRule,
  GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  TokenKind,
  type ValidationContext,
  validate,
} from 'graphql';
import { HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { JsonObject } from '../../core/model.ts';
import { EventReading, type FrozenEvent, sampleEvent } from './frozen-event.ts';

/** Refuses operations that are larger than the hub takes. @throws HubError naming the limit */
export type SizeCheck = (
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
) => void;

/** Holds what a payload query's text came to: a document that runs, or why it is none, with line and column. */
export type CompiledQuery = { readonly document: DocumentNode } | { readonly fault: string };

/** Holds what shaping one event came to: the text of `data`, or why there is none. */
export type Shaped = { readonly dataJson: string } | { readonly fault: string };

/** Faults of one text that are told at once. */
const toldFaults = 3;

/**
 * Checks a payload query and makes it ready to run: one bare selection on VoucherEvent, with fragments but without
 * variables, of what is frozen with an event, within the bounds of every GraphQL operation.
 * @param schema as `payloadSchemaOf` makes it
 */
export function compilePayloadQuery(
  text: string,
  schema: GraphQLSchema,
  checkSize: SizeCheck,
): CompiledQuery {
  const bytes = Buffer.byteLength(text);
  if (bytes > limits.payloadQueryBytes)
    return { fault: `it has ${bytes} bytes; at most ${limits.payloadQueryBytes} are taken.` };
  try {
    const document = parse(text, { maxTokens: limits.tokens });
    const operation = selectionOf(document);
    const errors = validate(schema, document, rules);
    if (errors.length > 0) return { fault: errors.slice(0, toldFaults).map(placed).join(' ') };
    checkSize(schema, document, operation);
    tryOut(document, schema);
    // What is kept is parsed once more without locations: their tokens are many times the text.
    return { document: parse(text, { noLocation: true }) };
  } catch (error) {
    if (error instanceof GraphQLError) return { fault: placed(error) };
    if (error instanceof HubError) return { fault: error.message };
    throw error;
  }
}

/** Runs a compiled query on one event: at once, from what is frozen with it alone. */
export function runPayloadQuery(document: DocumentNode, schema: GraphQLSchema, event: FrozenEvent): Shaped {
  try {
    return { dataJson: pythonJson(resultOf(document, schema, new EventReading(event))) };
  } catch (error) {
    if (error instanceof GraphQLError) return { fault: placed(error) };
    // What is not JSON (pythonJson): text that was frozen is, so the schema's types make something else of it.
    if (error instanceof TypeError) return { fault: error.message };
    throw error;
  }
}

/** @throws GraphQLError the first of its errors: half a result is none */
function resultOf(document: DocumentNode, schema: GraphQLSchema, reading: EventReading): JsonObject {
  const { data, errors } = executeSync({ schema, document, rootValue: reading });
  const [error] = errors ?? [];
  if (error !== undefined) throw error;
  if (isObject(data)) return data;
  throw new GraphQLError('nothing came of it');
}

/** Runs it on a made-up event: types that do not fit what is frozen are found now, and not at the first delivery. */
function tryOut(document: DocumentNode, schema: GraphQLSchema): void {
  const reading = new EventReading(sampleEvent);
  resultOf(document, schema, reading);
  if (reading.dataReads > limits.payloadDataCopies) {
    throw new GraphQLError(
      `it selects the business data ${reading.dataReads} times; at most ${limits.payloadDataCopies} times is taken, for it may be a megabyte.`,
    );
  }
}

/** The one selection of a document. */
function selectionOf(document: DocumentNode): OperationDefinitionNode {
  const operations = document.definitions.filter(node => node.kind === Kind.OPERATION_DEFINITION);
  const [operation] = operations;
  const isBare = operation?.loc?.startToken.kind === TokenKind.BRACE_L;
  if (operation !== undefined && operations.length === 1 && isBare) return operation;
  throw new GraphQLError(
    'one bare selection on VoucherEvent is expected, e.g. { id data voucher { sourceId } }: no query, mutation or subscription, and no variables.',
    { nodes: isBare ? operations[1] : operation },
  );
}

/** As graphql-js' rule for unknown fields, but says what may be selected. */
function frozenFieldsRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const type = context.getParentType();
      if (type == null || context.getFieldDef() != null) return;
      const known = 'getFields' in type ? Object.keys(type.getFields()).sort().join(', ') : '';
      const message = `${type.name}.${node.name.value} can't be selected. What is frozen with an event, and so may be: ${known}.`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  };
}

/** The schema is the same for every event: it is asked for at the hub. */
function noSchemaRule(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      const { value: name } = node.name;
      if (name !== '__schema' && name !== '__type') return;
      const message = `${name} can't be selected: a payload query takes what is frozen with an event. The schema is at /graphql.`;
      context.reportError(new GraphQLError(message, { nodes: node }));
    },
  };
}

const rules = [
  ...specifiedRules.filter(rule => rule !== FieldsOnCorrectTypeRule),
  frozenFieldsRule,
  noSchemaRule,
];

/** An error with where it is: in the text, or (at a run, which has no text any more) in the result. */
function placed({ locations, path, message }: GraphQLError): string {
  const [place] = locations ?? [];
  if (place !== undefined) return `line ${place.line}, column ${place.column}: ${message}`;
  return path === undefined ? message : `${path.join('.')}: ${message}`;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
