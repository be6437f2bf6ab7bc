import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLDirective,
  type GraphQLNamedType,
  type GraphQLSchema,
  type GraphQLType,
  getIntrospectionQuery,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
  isSchema,
  isType,
  Kind,
  parse,
  type SelectionSetNode,
} from 'graphql';
import { limits } from '../../core/limits.ts';

/** Holds what introspection shows of a schema: the schema, types, directives, and what has a type (fields, arguments). */
type ShownSelections = GraphQLSchema | GraphQLType | GraphQLDirective | HasType;

/** Holds what the fields of an operation go by. */
export interface Operation {
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** By name; the defaults that the operation gives, as literals. */
  readonly variables: Readonly<Record<string, unknown>>;
}

interface HasType {
  readonly type: GraphQLType;
  readonly args?: readonly HasType[];
}

const bounds = new WeakMap<GraphQLSchema, number>();

/** Nodes that introspection of a schema may have: more than the standard query asks for, and less than twice that. */
export function introspectionBound(schema: GraphQLSchema): number {
  const known = bounds.get(schema);
  if (known !== undefined) return known;
  const document = parse(standardQuery);
  const operation = { fragments: fragmentsOf(document), variables: {} };
  const count = new SelectionCount(schema, operation, Number.POSITIVE_INFINITY);
  for (const node of document.definitions)
    if (node.kind === Kind.OPERATION_DEFINITION) count.root(node.selectionSet);
  const bound = Math.ceil(count.nodes * limits.introspectionShare);
  bounds.set(schema, bound);
  return bound;
}

/** The fullest that tools ask. */
const standardQuery = getIntrospectionQuery({
  descriptions: true,
  specifiedByUrl: true,
  directiveIsRepeatable: true,
  schemaDescription: true,
  inputValueDeprecation: true,
  oneOf: true,
});

/** The fragments of a document, by name. */
export function fragmentsOf(document: DocumentNode): Map<string, FragmentDefinitionNode> {
  return new Map(
    document.definitions.flatMap(node =>
      node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [],
    ),
  );
}

/** Nodes that the `__schema` and `__type` of an operation come to. It stops counting beyond the bound. */
export function introspectionSizeOf(
  schema: GraphQLSchema,
  operation: Operation,
  root: SelectionSetNode,
): number {
  const count = new SelectionCount(schema, operation, introspectionBound(schema));
  count.root(root);
  return count.nodes;
}

function nameOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  const isText = typeof value === 'object' && value !== null && 'value' in value;
  return isText && typeof value.value === 'string' ? value.value : undefined;
}

/** Goes where the introspection would go. The schema is at hand, so nothing need be assumed. */
class SelectionCount {
  nodes = 0;
  readonly #schema: GraphQLSchema;
  readonly #fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  readonly #variables: Readonly<Record<string, unknown>>;
  readonly #atMost: number;

  constructor(schema: GraphQLSchema, { fragments, variables }: Operation, atMost: number) {
    this.#schema = schema;
    this.#fragments = fragments;
    this.#variables = variables;
    this.#atMost = atMost;
  }

  root(set: SelectionSetNode): void {
    for (const selection of set.selections) {
      if (this.nodes > this.#atMost) return;
      this.nodes += 1;
      if (selection.kind !== Kind.FIELD) this.#into(selection, below => this.root(below));
      else if (selection.selectionSet !== undefined) {
        const name = selection.name.value;
        const shown = name === '__schema' ? this.#schema : name === '__type' && this.#typeOf(selection);
        if (shown) this.#below(selection.selectionSet, shown);
      }
    }
  }

  #typeOf(node: FieldNode): GraphQLNamedType | undefined {
    const given = node.arguments?.find(({ name }) => name.value === 'name')?.value;
    const value = given?.kind === Kind.VARIABLE ? this.#variables[given.name.value] : given;
    return this.#schema.getType(nameOf(value) ?? '');
  }

  #below(set: SelectionSetNode, shown: ShownSelections): void {
    for (const selection of set.selections) {
      if (this.nodes > this.#atMost) return;
      this.nodes += 1;
      if (selection.kind !== Kind.FIELD) this.#into(selection, below => this.#below(below, shown));
      else if (selection.selectionSet !== undefined)
        for (const child of this.#children(shown, selection.name.value))
          this.#below(selection.selectionSet, child);
    }
  }

  #into(
    selection: Exclude<SelectionSetNode['selections'][number], { kind: Kind.FIELD }>,
    go: (set: SelectionSetNode) => void,
  ): void {
    const set =
      selection.kind === Kind.INLINE_FRAGMENT
        ? selection.selectionSet
        : this.#fragments.get(selection.name.value)?.selectionSet;
    if (set !== undefined) go(set);
  }

  #children(shown: ShownSelections, name: string): readonly ShownSelections[] {
    if (isSchema(shown)) return this.#ofSchema(shown, name);
    if (isType(shown)) return this.#ofType(shown, name);
    if (name === 'args') return shown.args ?? [];
    return name === 'type' && !(shown instanceof GraphQLDirective) ? [shown.type] : [];
  }

  #ofSchema(schema: GraphQLSchema, name: string): readonly ShownSelections[] {
    if (name === 'types') return Object.values(schema.getTypeMap());
    if (name === 'directives') return schema.getDirectives();
    const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
    return roots.flatMap((type, at) =>
      type != null && name === ['queryType', 'mutationType', 'subscriptionType'][at] ? [type] : [],
    );
  }

  #ofType(type: GraphQLType, name: string): readonly ShownSelections[] {
    if (name === 'ofType') return isListType(type) || isNonNullType(type) ? [type.ofType] : [];
    if (isObjectType(type) || isInterfaceType(type)) {
      if (name === 'fields') return Object.values(type.getFields());
      if (name === 'interfaces') return type.getInterfaces();
    }
    if (isAbstractType(type) && name === 'possibleTypes') return this.#schema.getPossibleTypes(type);
    if (isInputObjectType(type) && name === 'inputFields') return Object.values(type.getFields());
    // A value has no parts that have parts: any type stands for it.
    return isEnumType(type) && name === 'enumValues' ? type.getValues().map(() => type) : [];
  }
}
