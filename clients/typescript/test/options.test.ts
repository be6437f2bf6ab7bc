import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Consumer, Publisher, VersionedCache, verify, WebhookReceiver } from '../src/index.ts';

const at = { url: 'http://127.0.0.1:9', key: 'k' };
const handle = () => {};

/** What a class says of options that its types would not let through: JavaScript does. */
function refuses(Made: new (options: never) => unknown, options: object, message: RegExp): void {
  assert.throws(() => Reflect.construct(Made, [options]), { name: 'TypeError', message });
}

test('an option that is missing is named when the object is made', () => {
  for (const missing of [undefined, null, '']) {
    const key = /^key: nothing is given; give an API key/;
    const url = /^url: nothing is given; give the hub's address/;
    refuses(Publisher, { ...at, key: missing }, key);
    refuses(Publisher, { ...at, url: missing }, url);
    const consumer = { ...at, subscriptionId: '1', handle };
    refuses(Consumer, { ...consumer, key: missing }, key);
    refuses(Consumer, { ...consumer, url: missing }, url);
    refuses(
      Consumer,
      { ...consumer, subscriptionId: missing },
      /^subscriptionId: nothing is given; give the id/,
    );
    refuses(VersionedCache, { store: {}, hub: { ...at, key: missing } }, key);
    const secrets = /^secrets: nothing is given; give the subscription's secret/;
    for (const given of [missing, [], ['whsec_1', missing]])
      refuses(WebhookReceiver, { secrets: given, handle }, secrets);
    assert.throws(() => Reflect.apply(verify, undefined, [Buffer.from('{}'), {}, missing]), {
      message: secrets,
    });
  }
  refuses(Consumer, { ...at, subscriptionId: '1' }, /^handle: give a function/);
  refuses(WebhookReceiver, { secrets: 'whsec_1' }, /^handle: give a function/);
});

test('a key may be a function, and an id a number', () => {
  assert.ok(new Consumer({ ...at, key: () => 'k', subscriptionId: '1', handle }));
  assert.ok(Reflect.construct(Consumer, [{ ...at, subscriptionId: 1, handle }]));
});
