import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, describe, test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { detailsOf, numbers, record, setState, settled, stateOf, vouchers } from '../support/deliveries.ts';
import { startTestHub, type TestHub } from '../support/hub.ts';
import { type ReceivedRequest, startReceiver } from '../support/receiver.ts';
import { subscribe } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

// Registered before the hub's database registers its own removal: the hub goes first.
after(() => hub[Symbol.asyncDispose]());
const hub: TestHub = await startTestHub();

const retry = { maxRetries: 2, baseDelayMs: 50, maxDelayMs: 200, jitter: 0.1 };

let shards = 0;

/** A batch shard on which `count` events wait, so that they fill batches: it is paused until they are recorded. */
async function batchSubscription(
  webhookUrl: string,
  count: number,
  settings: Record<string, unknown> = {},
): Promise<{ id: string; secret: string }> {
  const system = `batches-${++shards}`;
  const made = await subscribe(hub, {
    name: system,
    sourceSystems: [system],
    webhookUrl,
    retry,
    batchSize: 10,
    ...settings,
  });
  await setState(hub, made.id, 'pause');
  await record(hub, vouchers(system, numbers(count)));
  await setState(hub, made.id, 'resume');
  return made;
}

/** The headers that the public library looks at. */
function standardHeaders(headers: ReceivedRequest['headers']): Record<string, string> {
  const names = ['webhook-id', 'webhook-timestamp', 'webhook-signature'];
  return Object.fromEntries(names.map(name => [name, String(headers[name])]));
}

/** The number at the end of a source id. */
function numberOf(item: { voucher: { source_id: string } }): number {
  return Number(item.voucher.source_id.split('-').at(-1));
}

/** A batch's answer item by item; `codeOf` undefined leaves an item out. */
function results(request: ReceivedRequest, codeOf: (n: number) => number | undefined): string {
  const items = (request.body.items ?? []).flatMap(item => {
    const code = codeOf(numberOf(item));
    return code === undefined
      ? []
      : [{ sync_id: item.sync_id, code, message: code === 0 ? '' : `refused ${numberOf(item)}` }];
  });
  return JSON.stringify({ results: items });
}

describe('batches', { concurrency: 6 }, () => {
  test('a request carries up to batchSize events, each once, signed as a whole', async () => {
    await using receiver = await startReceiver();
    const { id, secret } = await batchSubscription(receiver.url, 95);
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status }) => status === 'SUCCESS'));
    const sizes = receiver.requests.map(({ body }) => body.items?.length ?? 0);
    assert.ok(
      sizes.every(size => size >= 1 && size <= 10),
      `sizes ${sizes}`,
    );
    assert.equal(
      sizes.reduce((sum, size) => sum + size, 0),
      95,
    );
    assert.ok(receiver.requests.length <= 20, `${receiver.requests.length} requests`);
    assert.equal(new Set(receiver.events().map(({ sync_id }) => sync_id)).size, 95);
    for (const { rawBody, headers, body } of receiver.requests) {
      assert.equal(body.event, 'batch');
      assert.doesNotThrow(() => new Webhook(secret).verify(rawBody, standardHeaders(headers)));
    }
  });

  for (const status of [200, 207]) {
    test(`an answer of ${status} item by item: 0 accepts, 400 fails at once, 500 is tried again by itself`, async () => {
      await using receiver = await startReceiver();
      receiver.answer((request, response) => {
        const first = receiver.requests.length === 1;
        response.writeHead(status).end(results(request, n => (n === 3 ? 400 : n === 5 && first ? 500 : 0)));
        return undefined;
      });
      const { id } = await batchSubscription(receiver.url, 10);
      const syncs = await settled(hub, id);
      const [refused] = syncs.filter(({ status: is }) => is === 'FAILED');
      assert.equal(refused?.errorCode, 'HTTP_400');
      assert.equal(refused?.errorMessage, 'refused 3');
      assert.equal(refused?.attempts.length, 1);
      const [again] = syncs.filter(({ attempts }) => attempts.length === 2);
      assert.equal(again?.status, 'SUCCESS');
      assert.equal(again?.retryCount, 1);
      assert.equal(again?.attempts[0]?.errorCode, 'HTTP_500');
      assert.equal(
        syncs.filter(({ status: is, attempts }) => is === 'SUCCESS' && attempts.length === 1).length,
        8,
      );
      assert.deepEqual(
        receiver.requests.map(({ body }) => body.items?.map(numberOf)),
        [numbers(10), [5]],
      );
      assert.equal(await stateOf(hub, id), 'ACTIVE');
    });
  }

  test('sync ids may come back as text', async () => {
    await using receiver = await startReceiver();
    receiver.answer(({ body }, response) => {
      response.writeHead(200).end(
        JSON.stringify({
          results: body.items?.map(({ sync_id }) => ({ sync_id: String(sync_id), code: 0 })),
        }),
      );
      return undefined;
    });
    const { id } = await batchSubscription(receiver.url, 10);
    assert.ok(
      (await settled(hub, id)).every(({ status, attempts }) => status === 'SUCCESS' && attempts.length === 1),
    );
  });

  test('an item that the answer leaves out is tried again', async () => {
    await using receiver = await startReceiver();
    receiver.answer((request, response) => {
      response
        .writeHead(200)
        .end(results(request, n => (n === 7 && receiver.requests.length === 1 ? undefined : 0)));
      return undefined;
    });
    const { id } = await batchSubscription(receiver.url, 10);
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status }) => status === 'SUCCESS'));
    assert.deepEqual(
      receiver.requests.map(({ body }) => body.items?.length),
      [10, 1],
    );
    assert.equal(syncs[7]?.attempts[0]?.errorCode, 'BATCH_ITEM_MISSING');
  });

  test('results that can not be read accept nothing: all is tried again', async () => {
    for (const broken of [
      '{"results": 5}',
      '{"results": [{"code": 0}]}',
      '{"results": [',
      `{"results": [${'{"sync_id": 1, "code": 0}, '.repeat(2_000)}`,
    ]) {
      await using receiver = await startReceiver();
      receiver.answer((_request, response) => {
        response.writeHead(200).end(receiver.requests.length === 1 ? broken : '');
        return undefined;
      });
      const { id } = await batchSubscription(receiver.url, 10, { retry: { ...retry, jitter: 0 } });
      const syncs = await settled(hub, id);
      assert.ok(
        syncs.every(
          ({ status, attempts }) =>
            status === 'SUCCESS' &&
            attempts.length === 2 &&
            attempts[0]?.errorCode === 'BATCH_ANSWER_UNREADABLE',
        ),
        broken.slice(0, 40),
      );
      assert.equal(receiver.requests.length, 2);
    }
  });

  test('a 207 without results accepts nothing', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => (receiver.requests.length === 1 ? 207 : 200));
    const { id } = await batchSubscription(receiver.url, 10);
    assert.ok(
      (await settled(hub, id)).every(({ status, attempts }) => status === 'SUCCESS' && attempts.length === 2),
    );
  });

  test('an answer of 500 to the whole is tried again as a whole under the same webhook-id; 400 to each part refuses them all', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => (receiver.requests.length === 1 ? 500 : 400));
    const { id } = await batchSubscription(receiver.url, 10, { retry: { ...retry, jitter: 0 } });
    const syncs = await settled(hub, id);
    assert.ok(syncs.every(({ status, errorCode }) => status === 'FAILED' && errorCode === 'HTTP_400'));
    const [first, second] = receiver.requests;
    assert.equal(second?.body.items?.length, first?.body.items?.length);
    assert.equal(second?.headers['webhook-id'], first?.headers['webhook-id']);
  });

  test('versions of one record never share a batch, and come in order', async () => {
    await using receiver = await startReceiver();
    const system = `batches-${++shards}`;
    const { id } = await subscribe(hub, {
      name: system,
      sourceSystems: [system],
      webhookUrl: receiver.url,
      retry,
      batchSize: 10,
    });
    await setState(hub, id, 'pause');
    for (const version of numbers(5))
      await record(hub, vouchers(system, numbers(6), { amount: `${version + 1}.00` }));
    await setState(hub, id, 'resume');
    await settled(hub, id);
    for (const { body } of receiver.requests) {
      const ids = body.items?.map(({ voucher }) => voucher.source_id) ?? [];
      assert.equal(new Set(ids).size, ids.length);
    }
    for (const n of numbers(6)) {
      const versions = receiver
        .events()
        .filter(item => numberOf(item) === n)
        .map(({ voucher }) => voucher.source_version);
      assert.deepEqual(versions, [1, 2, 3, 4, 5]);
    }
  });
});

describe('rotation of the secret', { concurrency: 4 }, () => {
  const rotate = async (id: string, overlapHours: number) => {
    const { rotateDataSubscriptionSecret: made } = await hub.data<{
      rotateDataSubscriptionSecret: { secret: string };
    }>(
      'mutation ($id: ID!, $hours: Int!) { rotateDataSubscriptionSecret(id: $id, overlapHours: $hours) { secret } }',
      { id, hours: overlapHours },
    );
    return made.secret;
  };

  /** By which of some secrets a request verifies with the public library. */
  function verifiesBy({ rawBody, headers }: ReceivedRequest, secrets: Record<string, string>): string[] {
    return Object.entries(secrets).flatMap(([name, secret]) => {
      try {
        new Webhook(secret).verify(rawBody, standardHeaders(headers));
        return [name];
      } catch {
        return [];
      }
    });
  }

  function hmac(secret: string, body: string): string {
    return `sha256:${createHmac('sha256', secret).update(body).digest('hex')}`;
  }

  test('while it overlaps both secrets sign: X-Signature the old one, X-Signature-Next the new one', async () => {
    await using receiver = await startReceiver();
    const system = `rotation-${++shards}`;
    const { id, secret: old } = await subscribe(hub, {
      name: system,
      sourceSystems: [system],
      webhookUrl: receiver.url,
      retry,
    });
    const fresh = await rotate(id, 1);
    assert.notEqual(fresh, old);
    await record(hub, vouchers(system, [1]));
    await receiver.gotEvents(1);
    const [request] = receiver.requests;
    assert.ok(request);
    assert.deepEqual(verifiesBy(request, { old, fresh }), ['old', 'fresh']);
    assert.equal(request.headers['x-signature'], hmac(old, request.rawBody));
    assert.equal(request.headers['x-signature-next'], hmac(fresh, request.rawBody));
  });

  test('after the overlap only the new one signs', async () => {
    await using receiver = await startReceiver();
    const system = `rotation-${++shards}`;
    const { id, secret: old } = await subscribe(hub, {
      name: system,
      sourceSystems: [system],
      webhookUrl: receiver.url,
      retry,
    });
    const fresh = await rotate(id, 0);
    await record(hub, vouchers(system, [1]));
    await receiver.gotEvents(1);
    const [request] = receiver.requests;
    assert.ok(request);
    assert.deepEqual(verifiesBy(request, { old, fresh }), ['fresh']);
    assert.equal(request.headers['x-signature'], hmac(fresh, request.rawBody));
    assert.equal(request.headers['x-signature-next'], undefined);
  });

  test('every attempt of an event whose secret is rotated between its retries verifies with what is in force', async () => {
    await using receiver = await startReceiver();
    receiver.answer(() => (receiver.requests.length < 3 ? 503 : 200));
    const system = `rotation-${++shards}`;
    const slow = { maxRetries: 5, baseDelayMs: 1_000, maxDelayMs: 1_000, jitter: 0 };
    const { id, secret: first } = await subscribe(hub, {
      name: system,
      sourceSystems: [system],
      webhookUrl: receiver.url,
      retry: slow,
    });
    await record(hub, vouchers(system, [1]));
    await receiver.gotEvents(1);
    const second = await rotate(id, 1);
    await receiver.gotEvents(2);
    const third = await rotate(id, 0);
    await receiver.gotEvents(3);
    const secrets = { first, second, third };
    assert.deepEqual(
      receiver.requests.map(request => verifiesBy(request, secrets)),
      [['first'], ['first', 'second'], ['third']],
    );
    assert.equal(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size, 1);
    await until('it is delivered', async () => (await detailsOf(hub, id))[0]?.status === 'SUCCESS');
  });
});
