import { record, vouchers } from './deliveries.ts';
import type { TestHub } from './hub.ts';
import { socketClient } from './sockets.ts';
import { until } from './wait.ts';

/** A sync as a watcher is told of it. */
export interface Told {
  id: string;
  status: string;
  subscription: { id: string };
  event: { voucher: { sourceId: string } };
}

/** An error that a watcher ended with. */
export interface Refusal {
  extensions: { code: string };
}

/** Watches until it is disposed of. */
export interface Watcher extends AsyncDisposable {
  readonly told: Told[];
  /** The errors that it ended with. */
  readonly refused: Promise<Refusal[]>;
  /** Gives what was told of one source record, in order. */
  of(sourceId: string): string[];
}

const everything = 'id status subscription { id } event { voucher { sourceId } }';

/** Watches `syncLogChanged`. @param options.select what is asked for of each sync */
export function watch(
  hub: TestHub,
  { key, filter = {}, select = everything }: { key?: string; filter?: object; select?: string } = {},
): Watcher {
  const client = socketClient(hub, key);
  const told: Told[] = [];
  const { promise: refused, resolve } = Promise.withResolvers<Refusal[]>();
  client.subscribe<{ syncLogChanged: Told }>(
    {
      query: `subscription ($filter: SyncLogFilter) { syncLogChanged(filter: $filter) { ${select} } }`,
      variables: { filter },
    },
    {
      next: ({ data, errors }) => {
        if (data != null) told.push(data.syncLogChanged);
        else resolve(JSON.parse(JSON.stringify(errors)));
      },
      error: errors => resolve(JSON.parse(JSON.stringify(errors))),
      complete: () => {},
    },
  );
  return {
    told,
    refused,
    of: sourceId =>
      told.filter(({ event }) => event.voucher.sourceId === sourceId).map(({ status }) => status),
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** Records vouchers of a system of their own until a watcher hears of one: from then on it is told of everything. */
export async function isWatching(hub: TestHub, watcher: Watcher, system: string): Promise<void> {
  let count = 0;
  await until('the watcher hears', async () => {
    if (watcher.told.length === 0) await record(hub, vouchers(system, [`warm-${count++}`]));
    return watcher.told.length > 0;
  });
}
