import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  buildClientSchema,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  GraphQLNonNull,
  getIntrospectionQuery,
  getNamedType,
  getNullableType,
  type IntrospectionQuery,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isScalarType,
} from 'graphql';
import { startTestHub } from '../support/hub.ts';
import { keptLog } from '../support/sockets.ts';

/** Longer than what errors repeat, and no name. */
const secret = 'whsec_bWFya2VkLXNlY3JldC1vZi1ldmVyeS1pbnB1dA==';
/** Parts of it that would give it away. */
const parts = Array.from({ length: secret.length - 11 }, (_, first) => secret.slice(first, first + 12));

type Value = unknown;

/** A value that its type takes, as far as the type alone tells. */
function valid(type: GraphQLInputType): Value {
  if (!isNonNullType(type)) return null;
  const inner = getNullableType(type);
  if (isListType(inner)) return [];
  if (isEnumType(inner)) return inner.getValues()[0]?.name;
  if (isInputObjectType(inner)) {
    const required = Object.values(inner.getFields()).filter(({ type: own }) => isNonNullType(own));
    return Object.fromEntries(required.map(field => [field.name, valid(field.type)]));
  }
  return scalars[getNamedType(inner).name] ?? 'x';
}

const scalars: Record<string, Value> = {
  Int: 1,
  Float: 1,
  Boolean: true,
  ID: '1',
  DateTime: '2026-01-01T00:00:00Z',
  Date: '2026-01-01',
  Decimal: '1.00',
  JSONObject: {},
};

/** Values of an input, each with the secret in it at one place, with what the place is. */
function* marked(type: GraphQLInputType, depth = 0): Generator<[place: string, value: Value]> {
  const inner = getNullableType(type);
  if (isListType(inner)) {
    yield ['', secret];
    for (const [place, value] of marked(inner.ofType, depth))
      yield [`[1]${place}`, [valid(inner.ofType), value]];
  } else if (isInputObjectType(inner)) {
    const base = Object(valid(new GraphQLNonNull(inner)));
    yield ['', secret];
    yield ['', [secret]];
    yield ['.unknown', { ...base, unknown: secret }];
    yield ['{name}', { ...base, [secret]: 1 }];
    if (depth >= 3) return;
    const fields = Object.values(inner.getFields());
    let turn = 0;
    for (const field of fields)
      for (const [place, value] of marked(field.type, depth + 1)) {
        // Each place with one of these faults beside it, in turn.
        const faults: [what: string, value: Value][] = [
          ['', { ...base, [field.name]: value }],
          [' beside an unknown field', { ...base, [field.name]: value, nobody: 1 }],
          [' alone', { [field.name]: value }],
          [
            ' beside wrong ones',
            { ...Object.fromEntries(fields.map(({ name }) => [name, [[{}]]])), [field.name]: value },
          ],
        ];
        const [what = '', faulty] = faults[turn++ % faults.length] ?? [];
        yield [`.${field.name}${place}${what}`, faulty];
      }
  } else {
    yield ['', secret];
    yield [' in a list', [secret]];
    yield [' in an object', { [secret]: secret }];
    if (isScalarType(inner)) yield [' among others', `${secret}\n${secret}`];
  }
}

function operationOf(kind: string, field: GraphQLField<unknown, unknown>): string {
  const variables = field.args.map(({ name, type }) => `$${name}: ${String(type)}`).join(', ');
  const given = field.args.map(({ name }) => `${name}: $${name}`).join(', ');
  const named = getNamedType(field.type);
  const selection = isScalarType(named) || isEnumType(named) ? '' : ' { __typename }';
  return `${kind} (${variables}) { ${field.name}(${given})${selection} }`;
}

test('no error and no line of the log repeats a secret that stands in any input of the schema, whatever is wrong with it', async () => {
  const { log, lines } = keptLog();
  await using hub = await startTestHub({ overrides: { log } });
  const schema = buildClientSchema(await hub.data<IntrospectionQuery>(getIntrospectionQuery()));
  const roots = { query: schema.getQueryType(), mutation: schema.getMutationType() };
  let asked = 0;
  let refused = 0;
  const repeated: string[] = [];
  for (const [kind, root] of Object.entries(roots))
    for (const field of Object.values(root?.getFields() ?? {})) {
      const cases = field.args.flatMap((argument: GraphQLArgument) =>
        Array.from(marked(argument.type), ([place, value]) => ({ argument, place, value })),
      );
      for (let first = 0; first < cases.length; first += 20)
        await Promise.all(
          cases.slice(first, first + 20).map(async ({ argument, place, value }) => {
            const others = field.args.map(({ name, type }) => [name, valid(type)]);
            const answer = await hub.ask(operationOf(kind, field), {
              ...Object.fromEntries(others),
              [argument.name]: value,
            });
            asked += 1;
            if (answer.errors === undefined) return;
            refused += 1;
            const told = JSON.stringify(answer.errors);
            if (parts.some(part => told.includes(part)))
              repeated.push(`${field.name}(${argument.name}${place}): ${told.slice(0, 400)}`);
          }),
        );
    }
  assert.deepEqual(repeated, []);
  assert.ok(refused > 300, `${refused} of ${asked} were refused`);
  const logged = lines().map(line => JSON.stringify(line));
  assert.deepEqual(
    logged.filter(line => parts.some(part => line.includes(part))),
    [],
  );
});
