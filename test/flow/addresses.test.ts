import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { makeKey } from '../support/access.ts';
import { record, vouchers } from '../support/deliveries.ts';
import { startTestHub } from '../support/hub.ts';
import { startReceiver } from '../support/receiver.ts';
import { subscribe, syncsOf } from '../support/vouchers.ts';
import { until } from '../support/wait.ts';

const hub = await startTestHub();
after(() => hub[Symbol.asyncDispose]());

const token = '3f2504e0-4f89-41d3-9a0c-0305e82c3301';
const query = 'access_token=9f86d081884c7d65&mode=full';

test('the token in a webhook’s address is seen by its system and administrators alone, whichever way it is asked for', async () => {
  await using receiver = await startReceiver();
  receiver.answer((_, response) => {
    response.writeHead(422).end(`Cannot POST /bot/hook/${token}?${query}; token 9f86d081884c7d65`);
    return undefined;
  });
  const webhookUrl = `${new URL(receiver.url).origin}/bot/hook/${token}?${query}`;
  const { id } = await subscribe(hub, { targetSystem: 'tax', webhookUrl, consistencyUrl: webhookUrl });
  await record(hub, vouchers('settlement', [1]));
  await until(
    'it has failed',
    async () => (await syncsOf(hub, { subscriptionId: id }))[0]?.status === 'FAILED',
  );
  const seenBy = async (key?: string) =>
    JSON.stringify(
      (
        await hub.ask(
          `query ($id: ID!) {
            dataSubscription(id: $id) { webhookUrl consistencyUrl }
            dataSubscriptions { webhookUrl consistencyUrl }
            syncLogs(filter: { subscriptionId: $id }) { edges { node { errorMessage subscription { webhookUrl consistencyUrl } attempts { errorMessage responseExcerpt } } } }
          }`,
          { id },
          key,
        )
      ).data,
    );
  const analyst = await seenBy((await makeKey(hub, 'ANALYST')).secret);
  const shown = `${new URL(receiver.url).origin}/bot/hook/…?…`;
  assert.equal(analyst.split(JSON.stringify(shown)).length - 1, 6);
  assert.match(analyst, /Cannot POST/);
  for (const secret of [token, '9f86d081884c7d65']) assert.ok(!analyst.includes(secret), analyst);
  for (const whole of [await seenBy(), await seenBy((await makeKey(hub, 'SUBSCRIBER', 'tax')).secret)]) {
    assert.equal(whole.split(JSON.stringify(webhookUrl)).length - 1, 6);
    // The log is one for all who read it.
    assert.match(whole, /Cannot POST [^"]*\[secret\]/);
  }
});
