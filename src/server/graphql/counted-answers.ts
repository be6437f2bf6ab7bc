import {
  defaultFieldResolver,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLOutputType,
  type GraphQLResolveInfo,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  Kind,
  responsePathAsArray,
  type SelectionSetNode,
} from 'graphql';
import { limits } from '../../core/limits.ts';
import type { OperationContext } from '../../resolvers/context.ts';
import { Turns } from '../socket/turns.ts';

/** Takes a resolved value, and gives what the field is completed with. */
type CountValue = (value: unknown, context: OperationContext, info: GraphQLResolveInfo) => unknown;

/** Scalars whose values may be of any length. */
const longScalars = new Set(['String', 'JSONObject']);

/**
 * Has the fields of a schema count what they give in the operation's budget: lists their nodes, texts their characters.
 * What an operation takes is thereby bounded by what lists hold, whatever they were taken for.
 */
export function countAnswers(schema: GraphQLSchema): GraphQLSchema {
  const turns = new Turns();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      if (isList(field.type)) countWith(field, listCount(turns, field));
      else if (longScalars.has(getNamedType(field.type).name)) countWith(field, countText);
    }
  }
  return schema;
}

function countWith(field: GraphQLField<unknown, OperationContext>, count: CountValue): void {
  const resolve = field.resolve ?? defaultFieldResolver;
  const canBeNull = !isNonNullType(field.type);
  field.resolve = (source, args, context, info) => {
    // The answer has its error; another one for each field that is left would be an answer of its own.
    if (canBeNull && context.budget.refusal !== undefined) return null;
    const counted = (value: unknown): unknown => {
      try {
        return count(value, context, info);
      } catch (error) {
        throw located(error, context, info);
      }
    };
    const value: unknown = resolve(source, args, context, info);
    if (!(value instanceof Promise)) return counted(value);
    return value.then(counted, (error: unknown) => {
      throw located(error, context, info);
    });
  };
}

const locatedRefusals = new WeakMap<object, GraphQLError>();

/**
 * Gives a refusal the place where it was met first. Thousands of fields may meet it in one turn: GraphQL makes no error of
 * its own, with a stack, from one that has a place.
 */
function located(error: unknown, { budget }: OperationContext, info: GraphQLResolveInfo): unknown {
  if (budget.refusal === undefined || error !== budget.refusal) return error;
  const known = locatedRefusals.get(budget.refusal);
  if (known !== undefined) return known;
  const path = responsePathAsArray(info.path);
  const made = new GraphQLError(budget.refusal.message, {
    nodes: info.fieldNodes,
    path,
    originalError: budget.refusal,
  });
  locatedRefusals.set(budget.refusal, made);
  return made;
}

function countText(value: unknown, { budget }: OperationContext): unknown {
  if (typeof value === 'string') budget.takeChars(value.length);
  else if (typeof value === 'object' && value !== null) budget.takeChars(jsonLengthOf(value));
  return value;
}

const jsonLengths = new WeakMap<object, number>();

/** A value may stand in an answer many times, under many aliases. */
function jsonLengthOf(value: object): number {
  const known = jsonLengths.get(value) ?? JSON.stringify(value).length;
  jsonLengths.set(value, known);
  return known;
}

function listCount(turns: Turns, field: GraphQLField<unknown, unknown>): CountValue {
  const isText = isLeafType(getNamedType(field.type));
  return (list, { budget }, info) => {
    if (!Array.isArray(list)) return list;
    const weight = weightOf(info);
    budget.takeFields(list.length * weight);
    if (isText) budget.takeChars(list.reduce<number>((sum, item) => sum + String(item).length, 0));
    return inTurns(list, weight, turns);
  };
}

/** Hands a list over in pieces, each in its turn of the event loop. */
function inTurns(list: readonly unknown[], weight: number, turns: Turns): unknown {
  const size = Math.max(1, Math.floor(limits.turnFields / weight));
  if (list.length <= size) {
    const turn = turns.take(list.length * weight);
    return turn === undefined ? list : turn.then(() => list);
  }
  const nodes: unknown[] = [];
  for (let first = 0; first < list.length; first += size) {
    const piece = list.slice(first, first + size);
    const turn = turns.take(piece.length * weight);
    for (const node of piece) nodes.push(turn === undefined ? node : turn.then(() => node));
  }
  return nodes;
}

const weights = new WeakMap<FieldNode, number>();

/** Fields that one node of a list has, without the nodes of lists in it: those are counted when they are read. */
function weightOf({ fieldNodes, fragments, returnType }: GraphQLResolveInfo): number {
  let sum = 1;
  for (const node of fieldNodes) {
    const weight = weights.get(node) ?? new Weigher(fragments).selections(node.selectionSet, returnType);
    weights.set(node, weight);
    sum += weight;
  }
  return sum;
}

class Weigher {
  readonly #fragments: Readonly<Record<string, FragmentDefinitionNode>>;
  readonly #known = new Map<string, number>();

  constructor(fragments: Readonly<Record<string, FragmentDefinitionNode>>) {
    this.#fragments = fragments;
  }

  selections(set: SelectionSetNode | undefined, outputType: GraphQLOutputType): number {
    const type = getNamedType(outputType);
    let sum = 0;
    for (const selection of set?.selections ?? []) {
      if (selection.kind === Kind.FIELD) sum += 1 + this.#below(selection, type);
      else if (selection.kind === Kind.INLINE_FRAGMENT)
        sum += this.selections(selection.selectionSet, outputType);
      else sum += this.#spread(selection.name.value, outputType);
    }
    return sum;
  }

  #below(node: FieldNode, type: ReturnType<typeof getNamedType>): number {
    const field = isObjectType(type) ? type.getFields()[node.name.value] : undefined;
    return field === undefined || isList(field.type) ? 0 : this.selections(node.selectionSet, field.type);
  }

  /** Each fragment is weighed once, however often it is spread. */
  #spread(name: string, outputType: GraphQLOutputType): number {
    const weight = this.#known.get(name) ?? this.selections(this.#fragments[name]?.selectionSet, outputType);
    this.#known.set(name, weight);
    return weight;
  }
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(getNullableType(type));
}
