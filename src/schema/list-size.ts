import { type GraphQLField, type GraphQLSchema, getNullableType, isListType, isObjectType } from 'graphql';
import { Extensions } from 'type-graphql';

/** The length that a list is taken for before it is read: a number, or the name of the argument that says it. */
type DeclaredSize = number | string;

/**
 * Declares the size of a list, or of a connection by its `first`. The cost of operations is counted by it; a list without
 * one is refused when the schema is written out. What a list really holds is counted again when it is read.
 */
export function ListSize(size: DeclaredSize): ReturnType<typeof Extensions> {
  return Extensions({ listSize: size });
}

/** The declared size of a field; undefined: none is declared. */
export function declaredSizeOf(field: GraphQLField<unknown, unknown>): DeclaredSize | undefined {
  const { listSize } = field.extensions;
  return typeof listSize === 'number' || typeof listSize === 'string' ? listSize : undefined;
}

/** @throws Error naming a list of the schema that declares no size */
export function requireListSizes(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields()))
      if (isListType(getNullableType(field.type)) && declaredSizeOf(field) === undefined)
        throw new Error(`${type.name}.${field.name} is a list without a declared size: add @ListSize to it.`);
  }
}
