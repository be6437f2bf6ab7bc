import assert from 'node:assert/strict';
import { access, copyFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Webhook } from 'standardwebhooks';
import { runCli, temporaryFolder } from '../support/cli.ts';
import { adminKey, startTestHub } from '../support/hub.ts';
import { startPythonVerifier } from '../support/python-verifier.ts';
import { type ReceivedRequest, startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const own = fileURLToPath(new URL('../../samples/vouchers.jsonl', import.meta.url));
const real = fileURLToPath(new URL('../../../shared/data/invoices-with-lines.jsonl', import.meta.url));

interface Summary {
  lines: number;
  created: number;
  updated: number;
  duplicate: number;
  stale: number;
  refused: number;
}

for (const [name, source] of [
  ['the samples of the project', own],
  ['real invoices with their lines', real],
] as const) {
  test(`${name}: imported by the command line, each arrives once, verified, in order, and is logged as a success`, async t => {
    if (!(await exists(source))) return t.skip('the file is not here');
    await using hub = await startTestHub();
    await using receiver = await startReceiver();
    const python = startPythonVerifier();
    // Events of the nightly batch would wait for 02:00; here they go at once.
    const { secret } = await subscribe(hub, { webhookUrl: receiver.url, mode: 'REALTIME' });
    const file = path.join(await temporaryFolder(), 'vouchers.jsonl');
    await copyFile(source, file);
    const runImport = async (): Promise<Summary> => {
      const run = await runCli(['import', file, '--json', '--url', hub.url, '--key', adminKey]);
      assert.equal(run.code, 0, run.stderr);
      return JSON.parse(run.stdout);
    };

    const first = await runImport();
    const recorded = first.created + first.updated;
    assert.ok(recorded > 30);
    assert.equal(first.refused, 0);
    const events = await receiver.gotEvents(recorded);

    for (const request of receiver.requests) {
      assert.doesNotThrow(() => verifyByLibrary(secret, request));
      const verdict = await python.verify({
        body: request.rawBody,
        signature: String(request.headers['x-signature']),
        secret,
      });
      assert.deepEqual(verdict, { same: true, signed: true });
    }
    assert.equal(new Set(events.map(event => event.sync_id)).size, recorded, 'none twice');
    for (const [record, versions] of Map.groupBy(events, event => event.voucher.source_id)) {
      const numbers = versions.map(event => event.voucher.source_version);
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
        `versions of ${record} in order`,
      );
    }
    await until(
      'all syncs are successes',
      async () => (await countByStatus(hub.ask, 'SUCCESS')) === recorded,
    );
    assert.equal(await countByStatus(hub.ask, 'FAILED'), 0);

    const second = await runImport();
    assert.equal(second.created + second.updated + second.stale + second.refused, 0);
    assert.equal(second.duplicate, first.created + first.updated + first.duplicate);
    assert.equal(receiver.events().length, recorded, 'nothing is delivered again');
  });
}

function verifyByLibrary(secret: string, { rawBody, headers }: ReceivedRequest): unknown {
  return new Webhook(secret).verify(rawBody, {
    'webhook-id': String(headers['webhook-id']),
    'webhook-timestamp': String(headers['webhook-timestamp']),
    'webhook-signature': String(headers['webhook-signature']),
  });
}

async function countByStatus(
  ask: (query: string) => Promise<{ data: unknown }>,
  status: string,
): Promise<number> {
  const { data } = await ask(`{ syncLogs(filter: { statuses: [${status}] }, first: 0) { totalCount } }`);
  const answer: { syncLogs: { totalCount: number } } = JSON.parse(JSON.stringify(data));
  return answer.syncLogs.totalCount;
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
