import {
  assertValidSchema,
  buildASTSchema,
  type DefinitionNode,
  GraphQLInt,
  GraphQLNonNull,
  GraphQLScalarType,
  type GraphQLSchema,
  getNullableType,
  isObjectType,
  Kind,
  type ObjectTypeDefinitionNode,
  OperationTypeNode,
  parse,
  type SchemaDefinitionNode,
} from 'graphql';
import { frozenFields } from './frozen-event.ts';

/**
 * The schema that payload queries are written against: that of a hub, its query type VoucherEvent, and of VoucherEvent
 * and Voucher what is frozen with an event alone. It reads from an `EventReading` and nothing else.
 * @param hubSchema the text of the hub's schema
 * @throws Error when the text is no GraphQL schema, or has no VoucherEvent
 */
export function payloadSchemaOf(hubSchema: string): GraphQLSchema {
  const { definitions } = parse(hubSchema, { noLocation: true });
  const schema = buildASTSchema({
    kind: Kind.DOCUMENT,
    definitions: [queryIsVoucherEvent, ...definitions.filter(isNoRoot).map(withFrozenFields)],
  });
  assertValidSchema(schema);
  for (const [typeName, readers] of Object.entries(frozenFields)) {
    const type = schema.getType(typeName);
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      field.resolve = readers.get(field.name);
      if (getNullableType(field.type) === GraphQLInt) field.type = wholeNumber;
    }
  }
  return schema;
}

/** What was recorded as a whole number stays one: graphql-js' own `Int` ends at 32 bits. */
const wholeNumber = new GraphQLNonNull(
  new GraphQLScalarType({
    name: GraphQLInt.name,
    serialize: value => (Number.isSafeInteger(value) ? value : GraphQLInt.serialize(value)),
  }),
);
const queryIsVoucherEvent: SchemaDefinitionNode = {
  kind: Kind.SCHEMA_DEFINITION,
  operationTypes: [
    {
      kind: Kind.OPERATION_TYPE_DEFINITION,
      operation: OperationTypeNode.QUERY,
      type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: 'VoucherEvent' } },
    },
  ],
};

function isNoRoot({ kind }: DefinitionNode): boolean {
  return kind !== Kind.SCHEMA_DEFINITION && kind !== Kind.SCHEMA_EXTENSION;
}

/** Interfaces go with the fields: those may ask for what is not frozen. */
function withFrozenFields(definition: DefinitionNode): DefinitionNode {
  if (definition.kind !== Kind.OBJECT_TYPE_DEFINITION) return definition;
  const frozen = frozenFields[definition.name.value];
  if (frozen === undefined) return definition;
  const fields = definition.fields?.filter(field => frozen.has(field.name.value));
  const kept: ObjectTypeDefinitionNode = { ...definition, interfaces: [], fields };
  return kept;
}
