import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import { declaredSizeOf } from '../../schema/list-size.ts';
import { checkInputItems } from './input-size.ts';
import { fragmentsOf, introspectionBound, introspectionSizeOf } from './introspection-size.ts';

/** Holds what an operation would take. */
export interface OperationSize {
  readonly depth: number;
  /** Selections within one another, fragments of both kinds among them. */
  readonly nesting: number;
  readonly aliases: number;
  readonly directives: number;
  /** Fields, multiplied by the lengths that the lists they stand in are taken for. */
  readonly cost: number;
  /** Nodes that introspection comes to. */
  readonly introspection: number;
}

/** Holds what is measured of each part of an operation. */
type PartSize = Omit<OperationSize, 'introspection'>;

const told: Readonly<Record<keyof OperationSize, (size: number) => string>> = {
  depth: size => `a depth of ${size} fields`,
  nesting: size => `a nesting of selections of ${size}`,
  aliases: size => `${size} aliases`,
  directives: size => `${size} directives`,
  cost: size => `a cost of ${size} (its fields, each times the lengths of the lists that it stands in)`,
  introspection: size => `an introspection of ${size} nodes or more`,
};

/** The length of a list of which nothing else is known. */
const assumedListLength = 10;

/** @throws HubError LIMIT_EXCEEDED for a text that is longer than any operation needs */
export function checkDocumentLength(text: string): void {
  if (text.length > limits.documentChars)
    throw new HubError(
      'LIMIT_EXCEEDED',
      `The operation is longer than ${limits.documentChars} characters; send it in parts, or its values as variables.`,
    );
}

/**
 * Refuses operations that are larger than the hub takes. Call it on validated documents only: it relies on
 * fragments without cycles.
 * @throws HubError LIMIT_EXCEEDED naming the limit
 */
export function checkOperationSize(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  checkInputItems(schema, operation, variables);
  const size = sizeOf(schema, document, operation, variables);
  for (const measure of ['depth', 'nesting', 'aliases', 'directives', 'cost', 'introspection'] as const) {
    const limit = measure === 'introspection' ? introspectionBound(schema) : limits[measure];
    // Not `>`: what is not a number (an infinite list of nothing) is over the limit too.
    if (!(size[measure] <= limit)) {
      throw new HubError(
        'LIMIT_EXCEEDED',
        `The operation has ${told[measure](size[measure])}; the limit is ${limit}. Ask for less at once.`,
      );
    }
  }
}

/** Measures an operation. A fragment is measured once however often it is spread, so nesting them explodes nothing. */
export function sizeOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): OperationSize {
  const fragments = fragmentsOf(document);
  const given = { ...defaultsOf(operation), ...variables };
  const meter = new Meter(schema, fragments, given);
  const size = meter.selections(operation.selectionSet, schema.getRootType(operation.operation)?.name ?? '');
  // What nests too deep to be gone through is refused for that.
  const introspection =
    size.nesting > limits.nesting
      ? 0
      : introspectionSizeOf(schema, { fragments, variables: given }, operation.selectionSet);
  return { ...size, introspection, directives: size.directives + (operation.directives?.length ?? 0) };
}

class Meter {
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #measured = new Map<string, PartSize>();

  constructor(
    schema: GraphQLSchema,
    fragments: ReadonlyMap<string, FragmentDefinitionNode>,
    variables: Readonly<Record<string, unknown>>,
  ) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#variables = variables;
  }

  selections(set: SelectionSetNode, typeName: string): PartSize {
    let [depth, nesting, aliases, directives, cost] = [0, 0, 0, 0, 0];
    for (const selection of set.selections) {
      const part = this.#selection(selection, typeName);
      depth = Math.max(depth, part.depth);
      nesting = Math.max(nesting, part.nesting);
      aliases += part.aliases;
      cost += part.cost;
      directives += part.directives + (selection.directives?.length ?? 0);
    }
    return { depth, nesting: nesting + 1, aliases, directives, cost };
  }

  #selection(selection: SelectionSetNode['selections'][number], typeName: string): PartSize {
    if (selection.kind === Kind.FIELD) return this.#field(selection, typeName);
    if (selection.kind === Kind.INLINE_FRAGMENT) {
      return this.selections(selection.selectionSet, selection.typeCondition?.name.value ?? typeName);
    }
    const name = selection.name.value;
    const known = this.#measured.get(name);
    if (known !== undefined) return known;
    const fragment = this.#fragments.get(name);
    const size =
      fragment === undefined
        ? nothing
        : this.selections(fragment.selectionSet, fragment.typeCondition.name.value);
    this.#measured.set(name, size);
    return size;
  }

  #field(node: FieldNode, typeName: string): PartSize {
    const name = node.name.value;
    const aliases = node.alias === undefined ? 0 : 1;
    if (name.startsWith('__')) return this.#introspection(node, aliases);
    const type = this.#schema.getType(typeName);
    const field = isObjectType(type) || isInterfaceType(type) ? type.getFields()[name] : undefined;
    const below =
      node.selectionSet === undefined || field === undefined
        ? nothing
        : this.selections(node.selectionSet, getNamedType(field.type).name);
    const times = field === undefined ? 1 : this.#length(node, field);
    return {
      depth: below.depth + 1,
      nesting: below.nesting,
      aliases: below.aliases + aliases,
      directives: below.directives,
      cost: 1 + times * below.cost,
    };
  }

  /** It reads no data: its nodes are counted for themselves, and graphql-js bounds its depth by a rule of its own. */
  #introspection(node: FieldNode, aliases: number): PartSize {
    const type = node.name.value === '__schema' ? '__Schema' : '__Type';
    const below = node.selectionSet === undefined ? nothing : this.selections(node.selectionSet, type);
    return { ...below, depth: 1, cost: 1, aliases: below.aliases + aliases };
  }

  /** Says how many nodes a field stands for. */
  #length(node: FieldNode, field: GraphQLField<unknown, unknown>): number {
    const size = declaredSizeOf(field);
    if (typeof size !== 'string')
      return size ?? (isListType(getNullableType(field.type)) ? assumedListLength : 1);
    const given = node.arguments?.find(arg => arg.name.value === size)?.value;
    const value = given?.kind === Kind.VARIABLE ? this.#variables[given.name.value] : given;
    const argument = field.args.find(arg => arg.name === size);
    return lengthOf(value) ?? lengthOf(argument?.defaultValue) ?? assumedListLength;
  }
}

/** The defaults that an operation gives its variables, as literals: they hold where a variable is left out. */
function defaultsOf(operation: OperationDefinitionNode): Record<string, unknown> {
  return Object.fromEntries(
    (operation.variableDefinitions ?? []).map(({ variable, defaultValue }) => [
      variable.name.value,
      defaultValue,
    ]),
  );
}

const nothing: PartSize = { depth: 0, nesting: 0, aliases: 0, directives: 0, cost: 0 };

function lengthOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.max(0, value);
  if (Array.isArray(value)) return value.length;
  if (typeof value !== 'object' || value === null || !('kind' in value)) return undefined;
  if (value.kind === Kind.INT && 'value' in value) return Math.max(0, Number(value.value));
  return value.kind === Kind.LIST && 'values' in value && Array.isArray(value.values)
    ? value.values.length
    : undefined;
}
