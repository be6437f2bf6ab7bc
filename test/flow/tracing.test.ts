import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { attributesOf, type CollectedSpan, startCollector } from '../support/collector.ts';
import { adminKey, encryptionKey } from '../support/hub.ts';
import { type HubProcess, startHubProcess } from '../support/hub-process.ts';
import { createTestDatabase } from '../support/postgres.ts';
import { startReceiver } from '../support/receiver.ts';
import { openSocket } from '../support/sockets.ts';
import { connectSql } from '../support/sql.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

/** Has a hub process tell what it loads of OpenTelemetry: a hook in this one would come after its own imports. */
const tellLoads = {
  NODE_OPTIONS: `--import=${new URL('../support/otel-loads-child.ts', import.meta.url).href}`,
};

/** What no span may hold. */
const collectorKey = 'key-of-the-collector';
const urlToken = 'token-in-the-address';
const businessSecret = 'secret-in-the-business-data';

const record = `mutation Book($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome } }`;

/** A caller's trace context, and its parts. */
function caller(flags = '01') {
  const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')];
  return { traceId, spanId, traceparent: `00-${traceId}-${spanId}-${flags}` };
}

/** A message that records a voucher over a socket, for a caller who is traced. */
function recording(sourceId: string, traceparent: string, eventType = 'invoice_recorded') {
  const variables = { input: voucherInput({ sourceId, eventType }) };
  return {
    id: sourceId,
    type: 'subscribe',
    payload: { query: record, variables, extensions: { traceparent } },
  };
}

/** Records a voucher for a caller who is traced. */
async function recordFor(
  hub: HubProcess,
  traceparent: string,
  sourceId: string,
  eventType = 'invoice_recorded',
) {
  const input = voucherInput({ sourceId, eventType, businessData: { note: businessSecret } });
  const response = await fetch(`${hub.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${adminKey}`, traceparent },
    body: JSON.stringify({ query: record, variables: { input } }),
  });
  const answer: { errors?: unknown } = JSON.parse(await response.text());
  assert.equal(answer.errors, undefined);
}

/** The trace ids of a record's syncs, by GraphQL. */
async function traceIdsOf(hub: HubProcess, sourceId: string): Promise<(string | null)[]> {
  const { syncLogs } = await hub.hub.data<{ syncLogs: { edges: { node: { traceId: string | null } }[] } }>(
    `query ($id: String!) { syncLogs(filter: { sourceId: $id }) { edges { node { traceId } } } }`,
    { id: sourceId },
  );
  return syncLogs.edges.map(({ node }) => node.traceId);
}

function partsOf(traceparent: unknown): { traceId: string; spanId: string; flags: string } {
  const [, traceId, spanId, flags] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-(0[01])$/.exec(String(traceparent)) ?? [];
  assert.ok(traceId !== undefined && spanId !== undefined && flags !== undefined, String(traceparent));
  return { traceId, spanId, flags };
}

const databaseUrl = await createTestDatabase();
const collector = await startCollector();
after(() => collector[Symbol.asyncDispose]());
const receiver = await startReceiver();
after(() => receiver[Symbol.asyncDispose]());

/** All that was recorded while the hub was up arrives at its stop: nothing else exports before. */
const settings = {
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer ${collectorKey}`,
  OTEL_SERVICE_NAME: 'books',
  OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  OTEL_BSP_SCHEDULE_DELAY: '600000',
  ...tellLoads,
};
const hub = await startHubProcess(databaseUrl, settings);
after(() => hub[Symbol.asyncDispose]());
const { secret } = await subscribe(hub.hub, {
  webhookUrl: `${receiver.url}/${urlToken}?token=${urlToken}`,
  eventTypes: ['invoice_recorded'],
});
const { id: books } = await subscribe(hub.hub, {
  name: 'books',
  webhookUrl: receiver.url,
  batchSize: 10,
  eventTypes: ['l1_confirmed'],
});
const { id: attached } = await subscribe(hub.hub, { name: 'attached', eventTypes: ['invoice_updated'] });

/** One caller for each thing that is tried below. */
const alone = caller();
await recordFor(hub, alone.traceparent, 'ALONE');
const [single] = await until('it is delivered', () => receiver.requests.length === 1 && receiver.requests);

receiver.answer(() => 422);
const refused = caller();
await recordFor(hub, refused.traceparent, 'REFUSED');
await until('it is refused', () => receiver.requests.length === 2);
receiver.answer(() => 200);

const dark = caller('00');
await recordFor(hub, dark.traceparent, 'DARK');
const darkRequest = await until('it is delivered', () => receiver.requests[2]);

// Commits wait for the table: what comes meanwhile, and what is asked after it has come, shares one.
const crowd = Array.from({ length: 8 }, () => caller());
await using sql = await connectSql(databaseUrl);
await sql.rows('begin');
await sql.rows('lock table fin_business_vouchers in access exclusive mode');
using socket = await openSocket(hub);
const isAnswered = (id: string) =>
  socket.messages.some(message => message.id === id && message.type === 'next');
for (const [n, { traceparent }] of crowd.entries()) socket.send(recording(`CROWD-${n}`, traceparent));
socket.send({ id: 'after', type: 'subscribe', payload: { query: '{ eventTypes { name } }' } });
await until('all have come', () => isAnswered('after'));
await sql.rows('commit');
await receiver.gotEvents(3 + crowd.length);

await hub.hub.data(`mutation { pauseDataSubscription(id: "${books}") { id } }`);
const batch = [caller(), caller(), caller()];
for (const [n, { traceparent }] of batch.entries())
  await recordFor(hub, traceparent, `BATCH-${n}`, 'l1_confirmed');
await hub.hub.data(`mutation { resumeDataSubscription(id: "${books}") { id } }`);
const batchRequest = await until('they go as one', () => receiver.requests.find(({ body }) => body.items));

const onSocket = caller();
socket.send({
  id: 'deliveries',
  type: 'subscribe',
  payload: { query: `subscription { deliveries(subscriptionId: "${attached}") { syncId traceparent } }` },
});
socket.send(recording('SOCKET', onSocket.traceparent, 'invoice_updated'));
const pushed = await until('it is pushed', () => {
  const message = socket.messages.find(({ id, type }) => id === 'deliveries' && type === 'next');
  const text = JSON.stringify(message?.payload ?? null);
  const payload: { data: { deliveries: { syncId: string; traceparent: string } } } | null = JSON.parse(text);
  return payload?.data.deliveries;
});
await hub.hub.data(`mutation { acknowledge(syncIds: ["${pushed.syncId}"]) }`);

const ids = {
  alone: await traceIdsOf(hub, 'ALONE'),
  dark: await traceIdsOf(hub, 'DARK'),
  onSocket: await traceIdsOf(hub, 'SOCKET'),
};
await until('all is written', async () => (await sql.count('select count(*) from fin_open_syncs')) === 0);
const shown = await sql.rows<{ trace_id: string | null }>(
  `select l.trace_id from fin_data_sync_logs l join fin_business_vouchers v on v.id = l.voucher_id
   where v.source_id in ('ALONE', 'DARK') order by l.id`,
);
assert.equal(collector.requests.length, 0, 'nothing was exported so far');
const exitCode = await hub.stop();
const spans = collector.spans();

/** The spans of a caller's trace by their names; of several with one name the first. */
function traceOf(traceId: string): Map<string, CollectedSpan> {
  const own = spans.filter(span => span.traceId === traceId);
  return new Map(own.toReversed().map(span => [span.name, span]));
}

test('at SIGTERM the hub exports what it has, over OTLP with the headers, name and attributes that are set', () => {
  assert.equal(exitCode, 0);
  assert.ok(spans.length > 50);
  assert.ok(collector.requests.every(({ path }) => path === '/v1/traces'));
  assert.ok(collector.requests[0]?.headers.includes(`Bearer ${collectorKey}`));
  const { 'service.name': service, 'deployment.environment.name': environment } = collector.resource();
  assert.deepEqual([service, environment], ['books', 'test']);
});

test("one mutation's trace goes from the caller's span through commit, queue and shard to the request", () => {
  const trace = traceOf(alone.traceId);
  /** Each span's parent; the commit of a record that is new is one statement. */
  const tree: [name: string, parent: string][] = [
    ['commit vouchers', 'mutation recordVoucher'],
    ['intake-recording-new', 'commit vouchers'],
    ['send shards', 'commit vouchers'],
    ['process shards', 'send shards'],
    ['shard-claim', 'mutation recordVoucher'],
    ['deliver', 'mutation recordVoucher'],
    ['POST', 'deliver'],
    ['outcome-write', 'mutation recordVoucher'],
  ];
  assert.equal(trace.get('mutation recordVoucher')?.parentSpanId, alone.spanId);
  for (const [name, parent] of tree)
    assert.equal(trace.get(name)?.parentSpanId, trace.get(parent)?.spanId ?? 'none', `${name} in ${parent}`);
  assert.ok(!trace.has('intake-lock'));
  const kinds = [
    'mutation recordVoucher',
    'send shards',
    'process shards',
    'deliver',
    'POST',
    'intake-recording-new',
  ];
  const [server, client, producer, consumer] = [2, 3, 4, 5];
  assert.deepEqual(
    kinds.map(name => trace.get(name)?.kind),
    [server, producer, consumer, consumer, client, client],
  );
  const post = attributesOf(trace.get('POST')?.attributes ?? []);
  assert.equal(post['http.response.status_code'], 200);
  assert.equal(Number(post['server.port']), receiver.port);
  const operation = attributesOf(trace.get('mutation recordVoucher')?.attributes ?? []);
  assert.equal(operation['graphql.operation.name'], 'Book');
});

test("the webhook's traceparent is the request's span, and the sync log names the trace", () => {
  const { traceId, spanId, flags } = partsOf(single?.headers.traceparent);
  assert.deepEqual([traceId, flags], [alone.traceId, '01']);
  assert.equal(spanId, traceOf(alone.traceId).get('POST')?.spanId);
  assert.deepEqual(ids.alone, [alone.traceId]);
  assert.deepEqual(
    shown.map(row => row.trace_id),
    [alone.traceId, null],
  );
});

test('a refused delivery is a failed span, by its code alone', () => {
  const trace = traceOf(refused.traceId);
  for (const name of ['deliver', 'POST']) {
    const span = trace.get(name);
    assert.deepEqual(span?.status, { code: 2 });
    assert.equal(attributesOf(span?.attributes ?? [])['error.type'], 'HTTP_422');
  }
});

test('a trace that its caller does not sample is carried on as such, and recorded nowhere', () => {
  const { traceId, flags } = partsOf(darkRequest.headers.traceparent);
  assert.deepEqual([traceId, flags], [dark.traceId, '00']);
  assert.deepEqual(ids.dark, [null]);
  assert.equal(traceOf(dark.traceId).size, 0);
});

test('from each of several mutations that share a commit, links lead to it and back', () => {
  let shared = 0;
  for (const { traceId } of crowd) {
    const trace = traceOf(traceId);
    const mutation = trace.get('mutation recordVoucher');
    const [link] = mutation?.links ?? [];
    if (link === undefined) {
      assert.ok(trace.has('commit vouchers'));
      continue;
    }
    shared += 1;
    const commit = spans.find(({ spanId }) => spanId === link.spanId);
    assert.equal(commit?.name, 'commit vouchers');
    assert.ok(commit.links?.some(back => back.spanId === mutation?.spanId));
    assert.ok(
      spans.some(
        ({ name, parentSpanId }) => name === 'intake-recording-new' && parentSpanId === commit.spanId,
      ),
    );
  }
  assert.ok(shared >= 2, `${shared} of ${crowd.length} shared a commit`);
});

test('a request with events of several mutations is a trace of its own, linked to theirs', () => {
  const { traceId, spanId } = partsOf(batchRequest.headers.traceparent);
  const trace = traceOf(traceId);
  assert.equal(trace.get('POST')?.spanId, spanId);
  const deliver = trace.get('deliver');
  assert.equal(deliver?.parentSpanId ?? '', '');
  assert.deepEqual(
    deliver?.links?.map(link => link.traceId),
    batch.map(one => one.traceId),
  );
});

test('over a socket an operation names its trace in its extensions, and a push tells of its own', () => {
  const trace = traceOf(onSocket.traceId);
  assert.equal(trace.get('mutation recordVoucher')?.parentSpanId, onSocket.spanId);
  const { traceId, spanId } = partsOf(pushed.traceparent);
  assert.deepEqual([traceId, spanId], [onSocket.traceId, trace.get('deliver')?.spanId]);
  assert.deepEqual(ids.onSocket, [onSocket.traceId]);
});

test('no secret, payload, path or statement stands in what was exported', () => {
  const bytes = Buffer.concat(collector.requests.map(({ body }) => body)).toString();
  const { password } = new URL(databaseUrl);
  const secrets = { secret, adminKey, encryptionKey, urlToken, businessSecret, collectorKey, password };
  for (const [name, value] of Object.entries(secrets))
    assert.ok(value === '' || !bytes.includes(value), name);
  for (const text of ['INV', '100.00', 'insert into', 'RecordVoucherInput', 'sha256:'])
    assert.ok(!bytes.includes(text), text);
});

test('while no OTEL_ variable is set nothing of OpenTelemetry is loaded, and no trace is carried', async () => {
  const url = await createTestDatabase();
  await using off = await startHubProcess(url, tellLoads);
  await using target = await startReceiver();
  await subscribe(off.hub, { webhookUrl: target.url });
  await recordFor(off, caller().traceparent, 'OFF');
  await target.gotEvents(1);
  assert.equal(target.requests[0]?.headers.traceparent, undefined);
  await using own = await connectSql(url);
  const carried = 'select count(*) from fin_data_sync_logs where trace_id is not null';
  assert.equal(await own.count(carried), 0);
  assert.deepEqual(await traceIdsOf(off, 'OFF'), [null]);
  // The API alone, without an SDK behind it, is loaded by prom-client for itself.
  assert.doesNotMatch(off.log(), /opentelemetry\/(?!api\b)/);
  assert.match(
    hub.log(),
    /loads @opentelemetry\/sdk-trace/,
    'which would show, as it does where tracing is on',
  );
});

/** Works with a collector that takes nothing, and says how long recording and delivering took, and the stop, milliseconds. */
async function workWithout(collectorUrl: string): Promise<{ work: number; stop: number }> {
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collectorUrl,
    OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
    OTEL_BSP_SCHEDULE_DELAY: '10',
    OTEL_BSP_MAX_QUEUE_SIZE: '32',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '16',
  };
  await using other = await startHubProcess(await createTestDatabase(), env);
  await using target = await startReceiver();
  await subscribe(other.hub, { webhookUrl: target.url });
  const startedAt = performance.now();
  const inputs = Array.from({ length: 300 }, (_, n) => voucherInput({ sourceId: `V-${n}` }));
  for (let at = 0; at < inputs.length; at += 50) await recordVouchers(other.hub, inputs.slice(at, at + 50));
  await target.gotEvents(inputs.length);
  const stopsAt = performance.now();
  await until('it is told of', () => other.log().includes('traces could not be exported'));
  assert.equal(await other.stop(), 0);
  return { work: stopsAt - startedAt, stop: performance.now() - stopsAt };
}

test('a collector that hangs or is away holds nothing up, and is told of', async () => {
  await using silent = await startCollector({ answers: false });
  for (const { work, stop } of await Promise.all([silent.url, 'http://127.0.0.1:9'].map(workWithout))) {
    assert.ok(work < 45_000, `300 events took ${work} ms`);
    assert.ok(stop < 28_000, `the stop took ${stop} ms`);
  }
});
