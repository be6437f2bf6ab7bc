import {
  type GraphQLError,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isInputType,
  isListType,
  isScalarType,
  isSpecifiedScalarType,
  isValueNode,
  Kind,
  typeFromAST,
  type VariableDefinitionNode,
} from 'graphql';

/** Holds what a caller is told of an input that does not fit: never its value, which may be a secret or stand next to one. */
export interface InputFault {
  readonly message: string;
  /** The field at fault, e.g. `input.amount`. */
  readonly field?: string;
}

/**
 * Gives what graphql-js says of inputs, in words that repeat no value: it quotes the whole object for one field in it.
 * Undefined: the error is about something else.
 */
export function inputFaultOf(schema: GraphQLSchema, error: GraphQLError): InputFault | undefined {
  if (error.message.startsWith('Syntax Error')) return { message: withoutToken(error.message) };
  const [node] = error.nodes ?? [];
  if (node?.kind === Kind.VARIABLE_DEFINITION) return variableFault(schema, error, node);
  // Errors of resolvers have a path; that of an argument has one too.
  const isOfLiteral = node !== undefined && isValueNode(node);
  if (isOfLiteral && (error.path === undefined || error.message.startsWith('Argument "')))
    return { message: literalFault(schema, error.message) };
  return undefined;
}

/** The parser quotes the token at which it stopped: a string, or a secret without its quotes. */
function withoutToken(message: string): string {
  return message
    .replace(/\b(Name|Int|Float|String|BlockString|Comment) "[\s\S]*$/, '$1.')
    .replace(/(escape sequence): "[\s\S]*$/, '$1 in a string.');
}

/** Messages of graphql-js on one value that repeat nothing of it. `Field "…"` names what the schema or the caller names so. */
const valueFree = [
  /^Field "[\w.]{1,200}" of required type "[^"]{1,200}" was not provided\.$/,
  /^Field "\w{1,30}" is not defined by type "\w{1,100}"\.(?: Did you mean [\w", ]{1,200}\?)?$/,
  /^Expected value of type "[^"]{1,200}", found null\.$/,
  /^Expected non-nullable type "[^"]{1,200}" not to be null\.$/,
  /^Expected type "\w{1,100}" to be an object\.$/,
  /^Argument "\w{1,100}" of (?:required |non-null )?type "[^"]{1,200}" (?:was not provided|must not be null)\.$/,
  /^Argument "\w{1,100}" of (?:required |non-null )?type "[^"]{1,200}" was provided the variable "\$\w{1,100}" which was not provided a runtime value\.$/,
];

function literalFault(schema: GraphQLSchema, message: string): string {
  if (valueFree.some(pattern => pattern.test(message)) || isOfOwnScalar(schema, message)) return message;
  const argument = /^Argument "(\w{1,100})" has invalid value/.exec(message)?.[1];
  if (argument !== undefined) return `Argument "${argument}" has a value that does not fit its type.`;
  const name =
    /^Expected value of type "(\w+)/.exec(message)?.[1] ??
    /^(\w+) cannot represent /.exec(message)?.[1] ??
    /^Enum "(\w+)"/.exec(message)?.[1] ??
    /^Value "\w+" does not exist in "(\w+)" enum\./.exec(message)?.[1];
  const type = name === undefined ? undefined : schema.getType(name);
  return type !== undefined && isInputType(type) ? expectation(type) : 'A value does not fit its type.';
}

/** `Variable "$input" got invalid value {…} at "input.amount"; …`: only its end is told, and where it is. */
function variableFault(
  schema: GraphQLSchema,
  error: GraphQLError,
  node: VariableDefinitionNode,
): InputFault | undefined {
  const name = node.variable.name.value;
  const type = typeFromAST(schema, node.type);
  if (!/^Variable "\$\w+" got invalid value /.test(error.message)) return undefined;
  if (type === undefined || !isInputType(type)) return { message: `Variable "$${name}" is invalid.` };
  // In the value itself, quotes are escaped.
  const path = /.* at "\w+([.[][^"]*)";/s.exec(error.message)?.[1]?.replace(/^\./, '') ?? '';
  const at = typeAt(type, path);
  const reason = reasonOf(schema, error, at ?? type);
  const missing = /^Field "(\w+)" (?:of required type|is not defined by type) /.exec(reason)?.[1];
  const field = [at === undefined ? '' : path, missing ?? ''].filter(part => part !== '').join('.');
  const place = at === undefined || path === '' ? '' : ` at "${path}"`;
  const message = `Variable "$${name}" is invalid${place}: ${reason}`;
  return field === '' ? { message } : { message, field };
}

function reasonOf(schema: GraphQLSchema, error: GraphQLError, type: GraphQLInputType): string {
  const told = error.originalError?.message ?? '';
  if (valueFree.some(pattern => pattern.test(told)) || isOfOwnScalar(schema, told)) return told;
  const isUnknownField = /^Field "[\s\S]*" is not defined by type "(\w+)"/.exec(told)?.[1];
  return isUnknownField === undefined
    ? expectation(type)
    : `There is a field that ${isUnknownField} does not have.`;
}

/** The scalars of the hub say what they expect, and quote nothing. */
function isOfOwnScalar(schema: GraphQLSchema, message: string): boolean {
  const type = schema.getType(/^(\w+): /.exec(message)?.[1] ?? '');
  return type !== undefined && isScalarType(type) && !isSpecifiedScalarType(type);
}

/** The type at a path of a value, e.g. `inputs[2].amount`; undefined: there is no such path. */
function typeAt(type: GraphQLInputType, path: string): GraphQLInputType | undefined {
  let at: GraphQLInputType | undefined = type;
  for (const [, index, name] of path.matchAll(/\[(\d+)\]|\.?([^.[]+)/g)) {
    const nullable: GraphQLInputType | undefined = at === undefined ? undefined : getNullableType(at);
    if (index !== undefined)
      at = nullable !== undefined && isListType(nullable) ? nullable.ofType : undefined;
    else
      at =
        nullable !== undefined && isInputObjectType(nullable)
          ? nullable.getFields()[name ?? '']?.type
          : undefined;
  }
  return at;
}

const builtIn: Readonly<Record<string, string>> = {
  Int: 'a whole number is expected.',
  Float: 'a number is expected.',
  String: 'a text is expected.',
  Boolean: 'true or false is expected.',
  ID: 'an id, as a text or a whole number, is expected.',
};

function expectation(type: GraphQLInputType): string {
  const named = getNamedType(type);
  if (isEnumType(named)) {
    const names = named.getValues().map(({ name }) => name);
    return `${named.name}: one of ${names.join(', ')} is expected.`;
  }
  return `${named.name}: ${builtIn[named.name] ?? 'the value does not fit.'}`;
}
