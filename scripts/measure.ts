import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Prints how the code and the documents measure, so that a change of structure can be compared before and after:
 * `node scripts/measure.ts [FOLDER]`, with the project's root as the default, prints one JSON object.
 */

const root = path.resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));

function filesBelow(folder: string, ending: RegExp): string[] {
  return readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => ending.test(name) && !/(^|\/)(generated|node_modules|dist)\//.test(name))
    .map(name => path.join(root, folder, name));
}

function quantile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function countOf(texts: readonly string[], pattern: RegExp): number {
  return texts.reduce((sum, text) => sum + [...text.matchAll(pattern)].length, 0);
}

function linesOf(text: string): number {
  return text.split('\n').length - 1;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}

/** Doc comments' first words, without the comment's marks. */
function docComments(texts: readonly string[]): string[] {
  return texts.flatMap(text =>
    [...text.matchAll(/\/\*\*\s*\*?\s*([A-Za-z`'"@]+)/g)].map(([, word = '']) => word),
  );
}

/** Words of each sentence of a document's prose: no code blocks, tables, headings or lists of links. */
function sentenceLengths(text: string): number[] {
  const prose = text
    .replaceAll(/```[\s\S]*?```/g, '')
    .split('\n')
    .filter(line => !/^\s*(\||#|```)/.test(line))
    .join('\n');
  return prose
    .split(/(?<=[.:?!])\s+|\n\s*\n|\n[-*] /)
    .map(sentence => sentence.split(/\s+/).filter(Boolean).length)
    .filter(words => words > 0);
}

const source = filesBelow('src', /\.ts$/);
const texts = source.map(file => readFileSync(file, 'utf8'));
const lines = texts.map(linesOf);
const total = lines.reduce((sum, count) => sum + count, 0);
const perThousand = (count: number) => rounded((count / total) * 1000);
const tests = ['test', 'faults', 'clients/typescript/test'].flatMap(folder => filesBelow(folder, /\.ts$/));
const testLines = tests.reduce((sum, file) => sum + linesOf(readFileSync(file, 'utf8')), 0);
const clientLines = filesBelow('clients/typescript/src', /\.ts$/).reduce(
  (sum, file) => sum + linesOf(readFileSync(file, 'utf8')),
  0,
);
const docs = docComments(texts);
const bare = docs.filter(word => /^(What|Whether|How|Who|Where|Of|Those|As|Whose|Whom)$/.test(word));
const documents = [...filesBelow('docs', /\.md$/), path.join(root, 'README.md')];

/** Files that each kind of change touches, as the tables of docs/extending.md name them. */
function filesPerChange(): Record<string, number> {
  const extending = path.join(root, 'docs/extending.md');
  if (!existsSync(extending)) return {};
  const [, ...sections] = readFileSync(extending, 'utf8').split(/^## /m);
  const countOfRows = (section: string) =>
    [...section.matchAll(/^\| ([^|]*`[^|]+`[^|]*|the file[^|]*) \|/gm)].flatMap(([, cell = '']) =>
      cell.split(', '),
    ).length;
  return Object.fromEntries(
    sections.map(section => [section.slice(0, section.indexOf('\n')), countOfRows(section)]),
  );
}

const measures = {
  files: source.length,
  lines: total,
  fileLines: { median: quantile(lines, 0.5), p90: quantile(lines, 0.9), max: Math.max(...lines) },
  namedTypesPerThousandLines: perThousand(
    countOf(texts, /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|enum) [A-Z]\w*/gm),
  ),
  namedFunctionsPerThousandLines: perThousand(
    countOf(texts, /^(?:export )?(?:async )?function\*? \w+/gm) +
      countOf(
        texts,
        /^ {2}(?:static |override |async |get |set |\*)*#?[a-z]\w*(?:<[^>]*>)?\(.*(?:\{|,|\()$/gm,
      ),
  ),
  docCommentsThatBeginWithABareClause: `${rounded((bare.length / docs.length) * 100)} %`,
  testLinesPerCodeLine: rounded(testLines / (total + clientLines)),
  wordLane: countOf(texts, /\blanes?\b/gi),
  filesThatNameASubscriptionSetting: texts.filter(text => /\bmaxInFlight\b|\bmax_in_flight\b/.test(text))
    .length,
  filesPerKindOfChange: filesPerChange(),
  documents: Object.fromEntries(
    documents.map(file => {
      const text = readFileSync(file, 'utf8');
      const sentences = sentenceLengths(text);
      return [
        path.relative(root, file),
        {
          words: text.split(/\s+/).length,
          sentenceMedian: quantile(sentences, 0.5),
          sentencesOver25Words: sentences.filter(words => words > 25).length,
        },
      ];
    }),
  ),
};

process.stdout.write(`${JSON.stringify(measures, undefined, 2)}\n`);
