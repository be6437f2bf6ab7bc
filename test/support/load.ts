import { setTimeout as pause } from 'node:timers/promises';
import type { TestHub } from './hub.ts';
import type { RecordedItem } from './vouchers.ts';
import { voucherInput } from './vouchers.ts';

/** Holds what a load generator was told, voucher by voucher. */
export interface Load extends AsyncDisposable {
  /** `sourceId/version` of everything whose recording was acknowledged. */
  readonly acknowledged: Set<string>;
  /** Codes of refusals, and how often each came; `transport` where no answer came at all. */
  readonly refusals: Map<string, number>;
  /** Records no more; resolves when what is under way is answered. */
  stop(): Promise<void>;
}

/** Sets how long a load goes on that nobody stops, milliseconds: longer than any test. */
const longestMs = 5 * 60_000;

const mutation = `mutation ($inputs: [RecordVoucherInput!]!) { recordVouchers(inputs: $inputs) {
  index result { outcome deliveries voucher { id sourceVersion } event { id } } error { code message field } } }`;

/**
 * Records vouchers without a pause until it is stopped: each worker makes version after version of records of its
 * own, and sends what was not acknowledged again, as a source system does. Versions are explicit, so nothing that
 * is sent again is recorded twice.
 */
export function startLoad(
  ask: () => TestHub['ask'],
  options: {
    workers?: number;
    recordsPerWorker?: number;
    versions?: number;
    everyMs?: number;
    sourceSystem?: string;
  } = {},
): Load {
  const {
    workers = 4,
    recordsPerWorker = 5,
    versions = Number.POSITIVE_INFINITY,
    everyMs = 5,
    sourceSystem = 'load',
  } = options;
  const acknowledged = new Set<string>();
  const refusals = new Map<string, number>();
  let stopped = false;
  // A test that is timed out disposes of nothing: the load must not keep its file's process alive.
  const end = setTimeout(() => (stopped = true), longestMs);
  end.unref();
  const note = (code: string) => refusals.set(code, (refusals.get(code) ?? 0) + 1);
  const work = async (worker: number) => {
    for (let version = 1; version <= versions; version += 1) {
      const ids = Array.from({ length: recordsPerWorker }, (_, n) => `W${worker}-${n}`);
      const inputs = ids.map(sourceId =>
        voucherInput({ sourceSystem, sourceId, sourceVersion: version, amount: `${version}.00` }),
      );
      for (;;) {
        if (stopped) return;
        const items = await send(ask(), inputs, note);
        if (items !== null) break;
        await pause(100);
      }
      for (const id of ids) acknowledged.add(`${id}/${version}`);
      await pause(everyMs);
    }
  };
  const running = Promise.all(Array.from({ length: workers }, (_, worker) => work(worker)));
  const stop = async () => {
    stopped = true;
    clearTimeout(end);
    await running;
  };
  return { acknowledged, refusals, stop, [Symbol.asyncDispose]: stop };
}

async function send(
  ask: TestHub['ask'],
  inputs: Record<string, unknown>[],
  note: (code: string) => void,
): Promise<RecordedItem[] | null> {
  try {
    const answer = await ask(mutation, { inputs });
    for (const error of answer.errors ?? []) note(error.extensions.code);
    if (answer.errors !== undefined) return null;
    const { recordVouchers: items }: { recordVouchers: RecordedItem[] } = JSON.parse(
      JSON.stringify(answer.data),
    );
    const refused = items.filter(item => item.error !== null);
    for (const item of refused) note(item.error?.code ?? '');
    return refused.length === 0 ? items : null;
  } catch {
    note('transport');
    return null;
  }
}
