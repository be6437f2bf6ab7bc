import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, test } from 'node:test';
import { WebSocket } from 'ws';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { adminKey, startTestHub } from '../support/hub.ts';
import { voucherInput } from '../support/vouchers.ts';

const hub = await startTestHub();
after(() => hub[Symbol.asyncDispose]());

const many =
  'mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) { result { outcome } error { code field message } } }';
let made = 0;

/** An input's JSON, with a text of one's own as its business data. */
function inputText(businessData: string, over: Record<string, unknown> = {}): string {
  made += 1;
  const text = JSON.stringify(voucherInput({ sourceId: `exact-${made}`, ...over, businessData: 'HERE' }));
  return text.replace('"HERE"', businessData);
}

interface Answer {
  readonly data?: {
    recordVouchers: { result: unknown; error: { code: string; field: string; message: string } | null }[];
  };
  readonly errors?: { message: string; extensions: { code: string; field?: string } }[];
}

async function ask(query: string, variables: string): Promise<Answer> {
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}` },
    body: `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`,
  });
  const answer: Answer = JSON.parse(await response.text());
  return answer;
}

/** One operation over a socket, as text. */
function askBySocket(query: string, variables: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`${hub.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
    socket.on('error', reject);
    socket.on('open', () =>
      socket.send(
        JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${adminKey}` } }),
      ),
    );
    socket.on('message', data => {
      const message = JSON.parse(Buffer.isBuffer(data) ? data.toString() : '{}');
      if (message.type === 'connection_ack')
        socket.send(
          `{"id": "1", "type": "subscribe", "payload": {"query": ${JSON.stringify(query)}, "variables": ${variables}}}`,
        );
      if (message.type === 'next' || message.type === 'error') {
        socket.close();
        resolve(message.type === 'next' ? message.payload : { errors: message.payload });
      }
    });
  });
}

for (const [door, send] of [
  ['HTTP', ask],
  ['a socket', askBySocket],
] as const)
  test(`over ${door} business data that would change is refused item by item, and its neighbours are recorded`, async () => {
    const texts = [
      '{"a": 1e-400}',
      '{"a": {"b": 1, "b": 2}}',
      '{"a": [12345678901234567890]}',
      '{"a": 19.99}',
    ];
    const answer = await send(many, `{"inputs": [${texts.map(text => inputText(text)).join(', ')}]}`);
    assert.deepEqual(
      answer.data?.recordVouchers.map(item => item.error?.field ?? 'recorded'),
      ['businessData.a', 'businessData.a.b', 'businessData.a', 'recorded'],
    );
    assert.match(
      answer.data?.recordVouchers[0]?.error?.message ?? '',
      /the number 1e-400 would become another one/,
    );
    assert.match(answer.data?.recordVouchers[1]?.error?.message ?? '', /stands twice/);
  });

for (const [door, send] of [
  ['HTTP', ask],
  ['a socket', askBySocket],
] as const)
  test(`over ${door} another input that would change refuses the request, and names the field`, async () => {
    const twice = inputText('{}').replace('"amount":', '"amount": "5.00", "amount":');
    const refused = await send(many, `{"inputs": [${inputText('{}')}, ${twice}]}`);
    assert.deepEqual(refused.errors?.[0]?.extensions, { code: 'BAD_USER_INPUT', field: '[1].amount' });
    assert.match(refused.errors?.[0]?.message ?? '', /stands twice/);
    const version = inputText('{}').replace('"amount":', '"sourceVersion": 1e-400, "amount":');
    const one = await send(many, `{"inputs": [${version}]}`);
    assert.equal(one.errors?.[0]?.extensions.field, '[0].sourceVersion');
  });

test('a literal that would change is refused too', async () => {
  const fields =
    'eventType: "invoice_recorded", sourceSystem: "s", sourceModule: "m", sourceType: "t", sourceId: "lit", direction: DEBIT, amount: "1", currency: "CNY"';
  const literal = (data: string) =>
    ask(`mutation { recordVoucher(input: {${fields}, businessData: ${data}}) { outcome } }`, '{}');
  for (const data of ['{a: 1e-400}', '{a: {b: 12345678901234567890}}', '{a: 1, a: 2}'])
    assert.equal((await literal(data)).errors?.[0]?.extensions.code, 'BAD_USER_INPUT', data);
  assert.equal((await literal('{a: 19.99}')).errors, undefined);
});

test('hub import refuses the line, and says which field of it', async () => {
  const file = path.join(await temporaryFolder(), 'lines.jsonl');
  const lines = [
    inputText('{"a": 1e-400}'),
    inputText('{"a": 1}'),
    inputText('{}').replace('"amount":', '"amount": "2.00", "amount":'),
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const end = await runCli(['import', file, '--json'], { HUB_URL: hub.url, HUB_KEY: adminKey });
  assert.equal(end.code, 1, end.stderr);
  const refused = readFileSync(`${file}.rejected.jsonl`, 'utf8').trim().split('\n');
  assert.deepEqual(
    refused.map(line => JSON.parse(line).field),
    ['businessData.a', 'amount'],
  );
});
