import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  astFromValue,
  buildSchema,
  type GraphQLArgument,
  type GraphQLEnumType,
  type GraphQLField,
  type GraphQLInputField,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  print,
} from 'graphql';
import { settings } from '../src/config/settings.ts';
import { type ErrorCode, errorCatalogue, sendAgain } from '../src/core/errors.ts';
import { limits } from '../src/core/limits.ts';
import { restoreLimits } from '../src/core/restore-limits.ts';

/*
 * Makes docs/reference.md from the served schema, the catalogue of errors, the limits and the table of settings.
 * `npm run codegen` writes it; test/unit/reference.test.ts compares it with what the code says.
 */

const root = new URL('../', import.meta.url);
const document = new URL('docs/reference.md', root);

const introduction = `# Reference

Every operation with its arguments, every input field, error code, setting and limit. \`npm run codegen\` writes this page
from the code, so change the code's descriptions and not the page. Codes of deliveries are in
[delivery codes](delivery-codes.md), and what goes over the wire is in [protocol](protocol.md).`;

const sendAgainWords: Readonly<Record<(typeof sendAgain)[ErrorCode], string>> = {
  yes: 'yes, as it is',
  changed: 'after a change',
  no: 'no',
};

/** A text as one cell of a table. */
function cell(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, ' ').replaceAll('|', '\\|');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows.map(row => row.map(cell))];
  return lines.map(columns => `| ${columns.join(' | ')} |`).join('\n');
}

function defaultOf(input: GraphQLArgument | GraphQLInputField): string {
  if (input.defaultValue === undefined) return '';
  const node = astFromValue(input.defaultValue, input.type);
  return node ? `\`${print(node)}\`` : '';
}

function inputRow(input: GraphQLArgument | GraphQLInputField): string[] {
  return [`\`${input.name}\``, `\`${String(input.type)}\``, defaultOf(input), input.description ?? ''];
}

function operation(kind: string, field: GraphQLField<unknown, unknown>): string {
  const parts = [
    `#### ${field.name}`,
    `${kind} that gives \`${String(field.type)}\`. ${(field.description ?? '').replaceAll('\n', ' ')}`.trim(),
  ];
  if (field.args.length > 0)
    parts.push(table(['argument', 'type', 'default', 'meaning'], field.args.map(inputRow)));
  return parts.join('\n\n');
}

function enumText(type: GraphQLEnumType): string {
  const values = type.getValues().map(({ name, description }) => [`\`${name}\``, description ?? '']);
  return `#### ${type.name}\n\n${table(['value', 'meaning'], values)}`;
}

function graphqlText(schema: GraphQLSchema): string {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  const operations = [
    ['Query', schema.getQueryType()],
    ['Mutation', schema.getMutationType()],
    ['Subscription', schema.getSubscriptionType()],
  ] as const;
  const parts = ['## GraphQL'];
  for (const [kind, type] of operations)
    parts.push(`### ${kind}`, ...Object.values(type?.getFields() ?? {}).map(field => operation(kind, field)));
  parts.push('### Inputs');
  for (const type of types)
    if (isInputObjectType(type))
      parts.push(
        `#### ${type.name}`,
        table(['field', 'type', 'default', 'meaning'], Object.values(type.getFields()).map(inputRow)),
      );
  parts.push('### Enums', ...types.filter(isEnumType).map(enumText));
  return parts.join('\n\n');
}

function errorsText(): string {
  const codes: ErrorCode[] = [];
  let code: ErrorCode;
  for (code in errorCatalogue) codes.push(code);
  const rows = codes.map(name => [`\`${name}\``, sendAgainWords[sendAgain[name]], errorCatalogue[name]]);
  return `## Error codes

\`extensions.code\` of an error has one of these. \`extensions.field\` names the input field at fault, where there is one.
A mutation that records is safe to send again: the same content is a DUPLICATE. Another mutation may have been done
although its answer was lost or an error, so look at what it made before you send it again.

${table(['code', 'send again', 'meaning'], rows)}`;
}

function settingsText(): string {
  const rows = settings.map(({ variable, meaning, leftOut }) => [`\`${variable}\``, meaning, leftOut]);
  return `## Settings

Environment variables of \`hub start\`. [Operations](operations.md#settings) has those of the other commands.

${table(['variable', 'meaning', 'left out'], rows)}`;
}

/** Limits of a file of the source, by its sections and the comments above them. */
function limitRows(file: string, values: Readonly<Record<string, number>>): Map<string, string[][]> {
  const sections = new Map<string, string[][]>();
  let section = 'Restored databases';
  let reason = '';
  const text = readFileSync(new URL(file, root), 'utf8');
  const pieces =
    /^ {2}(?:\/\/ ── (?<title>.+?) ──|\/\*\*(?<reason>[\s\S]*?)\*\/|(?<name>\w+): (?<written>[^\n]+),)$/gm;
  for (const { groups = {} } of text.matchAll(pieces)) {
    if (groups.title !== undefined) {
      section = groups.title;
      reason = '';
    } else if (groups.reason !== undefined) {
      reason = groups.reason
        .replaceAll(/\n\s*\*/g, ' ')
        .replaceAll(/\s+/g, ' ')
        .trim();
    } else if (groups.name !== undefined) {
      const value = values[groups.name];
      if (value === undefined) throw new Error(`${file}: ${groups.name} is no limit.`);
      const rows = sections.get(section) ?? [];
      rows.push([`\`${groups.name}\``, value.toLocaleString('en'), reason]);
      sections.set(section, rows);
    }
  }
  const read = [...sections.values()].flat().length;
  if (read !== Object.keys(values).length) throw new Error(`${file}: ${read} limits were read.`);
  return sections;
}

function limitsText(): string {
  const sections = [
    ...limitRows('src/core/limits.ts', limits),
    ...limitRows('src/core/restore-limits.ts', restoreLimits),
  ];
  const tables = sections.map(
    ([title, rows]) => `### ${title}\n\n${table(['limit', 'value', 'reason'], rows)}`,
  );
  return `## Limits

Bounds that are not settings. A comment in the code that stands above several of them stands in each of their rows.

${tables.join('\n\n')}`;
}

/** The page as the code has it now. */
export function referenceText(): string {
  const schema = buildSchema(readFileSync(new URL('src/schema/schema.graphql', root), 'utf8'));
  const parts = [introduction, graphqlText(schema), errorsText(), settingsText(), limitsText()];
  return `${parts.join('\n\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(document, referenceText());
