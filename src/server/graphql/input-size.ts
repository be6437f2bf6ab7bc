import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isInputType,
  isListType,
  isNonNullType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';
import { HubError } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';

/**
 * Refuses variables whose lists hold more items than any operation can use, before each of millions is looked at.
 * @throws HubError LIMIT_EXCEEDED naming the variable
 */
export function checkInputItems(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): void {
  for (const { variable, type } of operation.variableDefinitions ?? []) {
    const inputType = typeFromAST(schema, type);
    if (inputType === undefined || !isInputType(inputType) || !mayHoldLists(inputType)) continue;
    const name = variable.name.value;
    const items = itemsOf(variables[name], inputType, limits.inputItems);
    if (items > limits.inputItems)
      throw new HubError(
        'LIMIT_EXCEEDED',
        `The variable $${name} has lists of more than ${limits.inputItems} items. Send them in parts.`,
        { field: name },
      );
  }
}

/** Counts the items of all lists in a value, until they are more than `atMost`. */
function itemsOf(value: unknown, type: GraphQLInputType, atMost: number): number {
  if (isNonNullType(type)) return itemsOf(value, type.ofType, atMost);
  if (isListType(type)) {
    if (!Array.isArray(value)) return itemsOf(value, type.ofType, atMost);
    let count = value.length;
    if (!mayHoldLists(type.ofType)) return count;
    for (let at = 0; count <= atMost && at < value.length; at += 1)
      count += itemsOf(value[at], type.ofType, atMost - count);
    return count;
  }
  if (!isInputObjectType(type) || typeof value !== 'object' || value === null) return 0;
  let count = 0;
  for (const [name, given] of Object.entries(value)) {
    const field = type.getFields()[name];
    if (field !== undefined && mayHoldLists(field.type)) count += itemsOf(given, field.type, atMost - count);
  }
  return count;
}

const known = new WeakMap<object, boolean>();

/** Tells whether there can be a list in a value of this type. Most inputs have none and are not gone through. */
function mayHoldLists(type: GraphQLInputType): boolean {
  if (isListType(type) || (isNonNullType(type) && isListType(type.ofType))) return true;
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return false;
  const answer = known.get(named);
  if (answer !== undefined) return answer;
  // An input that holds itself is answered by its other fields.
  known.set(named, false);
  const found = Object.values(named.getFields()).some(field => mayHoldLists(field.type));
  known.set(named, found);
  return found;
}
