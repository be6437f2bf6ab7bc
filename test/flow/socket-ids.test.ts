import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { startTestHub } from '../support/hub.ts';
import { ask, type BareSocket, openSocket } from '../support/sockets.ts';
import { recordVouchers, subscribe, voucherInput } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const complete = (id: string) => ({ id, type: 'complete' });
const changes = 'subscription { syncLogChanged { id } }';

/** What was sent under an id, without the answer to who the client is. */
const sentFor = ({ messages }: BareSocket, id: string) => messages.filter(message => message.id === id);

describe('an id that is used again at once', async () => {
  const hub = await startTestHub();
  after(() => hub[Symbol.asyncDispose]());

  test('after its query was completed has the answer of the second query alone', async () => {
    using bare = await openSocket(hub);
    bare.send(ask('1', '{ vouchers { totalCount } }'), complete('1'), ask('1', '{ __typename }'));
    await until('the second is over', () => bare.messages.some(({ type }) => type === 'complete'));
    bare.send(ask('2'));
    await until('a later one is over', () => sentFor(bare, '2').length === 2);
    assert.deepEqual(sentFor(bare, '1'), [
      { id: '1', type: 'next', payload: { data: { __typename: 'Query' } } },
      complete('1'),
    ]);
  });

  test('after its subscription was completed gets each change once, and none when it is completed as well', async () => {
    await subscribe(hub, { name: 'watched' });
    using bare = await openSocket(hub);
    const rounds = Array.from({ length: 20 }, () => [ask('1', changes), complete('1')]).flat();
    bare.send(...rounds, ask('1', changes));
    let count = 0;
    await until('the last subscription is open', async () => {
      count += 1;
      await recordVouchers(hub, [voucherInput({ sourceId: `change-${count}` })]);
      return sentFor(bare, '1').length > 1;
    });
    const told = sentFor(bare, '1').map(({ payload }) => JSON.stringify(payload));
    assert.equal(new Set(told).size, told.length, 'nobody consumes: each sync changes once');
    bare.send(complete('1'), ask('1', '{ __typename }'));
    await until('the query is answered', () => sentFor(bare, '1').at(-1)?.type === 'complete');
    const all = sentFor(bare, '1').length;
    await recordVouchers(hub, [voucherInput({ sourceId: 'after' })]);
    bare.send(ask('3', '{ vouchers { totalCount } }'));
    await until('a later one is over', () => sentFor(bare, '3').length === 2);
    assert.equal(sentFor(bare, '1').length, all);
    assert.equal(bare.end, undefined);
  });

  test('and a third time before that is begun closes the socket with 4409; a completed one that waits is forgotten', async () => {
    using bare = await openSocket(hub);
    const slow = ask('1', '{ vouchers { totalCount } }');
    bare.send(slow, complete('1'), ask('1'), complete('1'), ask('1'));
    await until('the last is over', () => sentFor(bare, '1').length === 2);
    bare.send(slow, complete('1'), ask('1'), ask('1'));
    assert.equal((await bare.closed()).code, 4409);
  });
});
