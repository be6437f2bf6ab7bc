import {
  type GraphQLInputType,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  type GraphQLOutputType,
  GraphQLScalarType,
  type GraphQLSchema,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  Kind,
} from 'graphql';

/**
 * The contract's `Int`. That of graphql-js ends at 32 bits, and versions are often milliseconds since 1970. Input takes
 * any whole number, so that the field that gets one refuses it by its own name and bound.
 */
const wholeNumber = new GraphQLScalarType<number, number>({
  name: GraphQLInt.name,
  description: GraphQLInt.description,
  serialize: value => (isSafe(value) ? value : GraphQLInt.serialize(value)),
  parseValue: value => (isWhole(value) ? value : GraphQLInt.parseValue(value)),
  parseLiteral: (node, variables) =>
    node.kind === Kind.INT ? Number(node.value) : GraphQLInt.parseLiteral(node, variables),
});

/** Puts whole numbers beyond 32 bits in the place of graphql-js' `Int`. The text of the schema stays the same. */
export function widenInts(schema: GraphQLSchema): GraphQLSchema {
  const types = schema.getTypeMap();
  types[wholeNumber.name] = wholeNumber;
  for (const type of Object.values(types)) {
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) field.type = wideInput(field.type);
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      field.type = wideOutput(field.type);
      for (const argument of field.args) argument.type = wideInput(argument.type);
    }
  }
  return schema;
}

function wideInput(type: GraphQLInputType): GraphQLInputType {
  if (type instanceof GraphQLNonNull) return new GraphQLNonNull(wideInput(type.ofType));
  if (type instanceof GraphQLList) return new GraphQLList(wideInput(type.ofType));
  return type === GraphQLInt ? wholeNumber : type;
}

function wideOutput(type: GraphQLOutputType): GraphQLOutputType {
  if (type instanceof GraphQLNonNull) return new GraphQLNonNull(wideOutput(type.ofType));
  if (type instanceof GraphQLList) return new GraphQLList(wideOutput(type.ofType));
  return type === GraphQLInt ? wholeNumber : type;
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

function isSafe(value: unknown): value is number {
  return Number.isSafeInteger(value);
}
