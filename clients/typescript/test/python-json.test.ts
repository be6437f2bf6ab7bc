import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { type JsonValue, pythonJson, pythonString } from '../src/python-json.ts';

/** One real CPython: a line of JSON in, the line that its `json.dumps(…, sort_keys=True)` gives out. */
class Python {
  readonly #process = spawn(
    'python3',
    [
      '-c',
      'import json, sys\nsys.setrecursionlimit(20000)\n' +
        'for line in sys.stdin.buffer:\n' +
        '    print(json.dumps(json.loads(line.decode("utf-8")), sort_keys=True), flush=True)\n',
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  readonly #lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]();

  async dumps(json: string): Promise<string> {
    this.#process.stdin.write(`${json}\n`);
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('python3 ended');
    return line.value;
  }

  stop(): void {
    this.#process.kill();
  }
}

let python: Python;
before(() => {
  python = new Python();
});
after(() => python.stop());

const seed = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
console.log(`python-json properties: seed ${seed} (set FC_SEED to run it again)`);

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  // Any UTF-16 units: lone surrogates, controls, the noncharacters.
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 }).map(units => String.fromCharCode(...units)),
  // Where the order of UTF-16 units and of code points part.
  fc
    .array(fc.constantFrom('a', '\ud83d', '\ude00', '\ud83d\ude00', '\ue000', '\uffff', '\ud7ff', 'é'), {
      maxLength: 4,
    })
    .map(parts => parts.join('')),
);
const key = fc.oneof(
  text,
  fc.constantFrom(
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '',
    ' ',
    '~',
    '\x7f',
    '10',
    '9',
    '-1',
    '1e3',
    'Z',
    'a',
    'é',
    '中',
  ),
  fc.nat().map(String),
);
const number = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(
    -0,
    5e-324,
    1.7976931348623157e308,
    1e21,
    1e22,
    1e16,
    123456789012345680000,
    2 ** 53,
    -(2 ** 53),
    0.1,
    1e-4,
    1e-5,
    1.5e-5,
    1e-7,
    0.00012345,
  ),
  fc
    .tuple(fc.integer({ min: -9999, max: 9999 }), fc.integer({ min: -30, max: 30 }))
    .map(([n, e]) => Number(`${n}e${e}`)),
);
const leaf = fc.oneof(text, number, fc.boolean(), fc.constant(null));
const { value } = fc.letrec<{ value: JsonValue }>(tie => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 5 }),
    // JSON.parse rather than a literal: only so does `__proto__` become a key of its own.
    fc
      .array(fc.tuple(key, tie('value')), { maxLength: 6 })
      .map(
        (entries): JsonValue =>
          JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`),
      ),
    // Long enough for the built-in sort.
    fc
      .uniqueArray(key, { minLength: 33, maxLength: 60 })
      .map((keys): JsonValue => JSON.parse(`{${keys.map((k, i) => `${JSON.stringify(k)}:${i}`).join(',')}}`)),
  ),
}));

test('any JSON value is written as Python writes it, and Python reading that writes it again', async () => {
  await fc.assert(
    fc.asyncProperty(value, async any => {
      const ours = pythonJson(any);
      assert.equal(ours, await python.dumps(JSON.stringify(any)));
      assert.equal(ours, await python.dumps(ours));
    }),
    { seed, numRuns: 3_000 },
  );
});

test('any number is written as Python writes it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(number, { minLength: 50, maxLength: 50 }), async many => {
      assert.equal(pythonJson(many), await python.dumps(JSON.stringify(many)));
    }),
    { seed, numRuns: 400 },
  );
});

test('any string and any order of keys is as Python has it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(key, { maxLength: 20 }), async keys => {
      const object: JsonValue = JSON.parse(`{${keys.map(k => `${JSON.stringify(k)}:1`).join(',')}}`);
      assert.equal(pythonJson(object), await python.dumps(JSON.stringify(object)));
      for (const k of keys) assert.equal(pythonString(k), await python.dumps(JSON.stringify(k)));
    }),
    { seed, numRuns: 1_000 },
  );
});

test('business data nested as deep as the hub takes it, and far deeper, is written', async () => {
  for (const depth of [64, 900]) {
    const nested = `${'{"b": [1, '.repeat(depth)}null${']}'.repeat(depth)}`;
    assert.equal(pythonJson(JSON.parse(nested)), await python.dumps(nested));
  }
});

test('an own __proto__ key is written and changes no prototype', () => {
  assert.equal(
    pythonJson(JSON.parse('{"b":1,"__proto__":{"x":1},"a":2}')),
    '{"__proto__": {"x": 1}, "a": 2, "b": 1}',
  );
});

test('keys sort by code point, not by UTF-16 unit', () => {
  assert.equal(pythonJson({ '\u{1f600}': 1, '\uffff': 2 }), '{"\\uffff": 2, "\\ud83d\\ude00": 1}');
});

test('what is not JSON is refused', () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
    assert.throws(() => pythonJson([bad]), TypeError);
  }
  const holed: { [key: string]: JsonValue } = {};
  Object.defineProperty(holed, 'gap', { enumerable: true, value: undefined });
  assert.throws(() => pythonJson(holed), TypeError);
});

test('more different keys than are remembered are all written rightly', () => {
  for (let i = 0; i < 10_000; i++) assert.equal(pythonJson({ [`key${i}`]: i }), `{"key${i}": ${i}}`);
});
