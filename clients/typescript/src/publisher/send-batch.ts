import type { RecordBatchMutation } from '../generated/operations.ts';
import { askHub, type HubAddress, HubRequestError, type RequestBounds } from '../hub-request.ts';
import type { BufferedItem } from './buffered-item.ts';
import type { RefusedItem } from './settings.ts';

const recordBatch = /* GraphQL */ `
  mutation RecordBatch($inputs: [RecordVoucherInput!]!) {
    recordVouchers(inputs: $inputs) {
      index
      result { outcome }
      error { code message field }
    }
  }
`;

/** Codes that say nothing against the item itself: it is kept and sent again. */
const passing = new Set(['UNAUTHENTICATED', 'UNAVAILABLE', 'SHUTTING_DOWN', 'INTERNAL_SERVER_ERROR']);
/** Codes of a whole request that a single item in it may have caused. */
const causedByItem = new Set(['BAD_USER_INPUT', 'LIMIT_EXCEEDED']);

/** Says who is told what became of the items. */
export interface BatchReport {
  readonly sent: (count: number) => void;
  readonly refused: (item: BufferedItem, error: RefusedItem) => void;
}

/** Says how far a batch got. */
export interface BatchProgress {
  /** The first so many items are recorded or refused. */
  readonly settled: number;
  /** Why it went no further. */
  readonly error?: HubRequestError;
}

/** Records items in order. Never rejects: what goes wrong is in the result. */
export async function sendBatch(
  hub: HubAddress,
  items: readonly BufferedItem[],
  report: BatchReport,
  bounds: RequestBounds,
): Promise<BatchProgress> {
  let answer: RecordBatchMutation;
  try {
    answer = await askHub<RecordBatchMutation>(hub, bodyOf(items), bounds);
  } catch (thrown) {
    const error = asRequestError(thrown);
    if (causedByItem.has(error.code) || error.status === 413)
      return isolate(hub, items, report, bounds, error);
    return { settled: 0, error };
  }
  return readAnswer(answer, items, report);
}

/** The hub refused the request as a whole for what an item holds (a missing field, a wrong type): found by halves. */
async function isolate(
  hub: HubAddress,
  items: readonly BufferedItem[],
  report: BatchReport,
  bounds: RequestBounds,
  error: HubRequestError,
): Promise<BatchProgress> {
  const [first] = items;
  if (first === undefined) return { settled: 0 };
  if (items.length === 1) {
    report.refused(first, { code: error.code, message: error.message, field: null });
    return { settled: 1 };
  }
  const half = items.length >> 1;
  const left = await sendBatch(hub, items.slice(0, half), report, bounds);
  if (left.error !== undefined) return left;
  const right = await sendBatch(hub, items.slice(half), report, bounds);
  return { ...right, settled: half + right.settled };
}

function readAnswer(
  { recordVouchers: results }: RecordBatchMutation,
  items: readonly BufferedItem[],
  report: BatchReport,
): BatchProgress {
  if (results.length !== items.length) {
    return {
      settled: 0,
      error: new HubRequestError('NOT_A_HUB', `${results.length} results for ${items.length} items.`),
    };
  }
  let sent = 0;
  for (const [index, item] of items.entries()) {
    const error = results[index]?.error;
    if (error == null) sent += 1;
    else if (passing.has(error.code)) {
      report.sent(sent);
      return { settled: index, error: new HubRequestError(error.code, error.message) };
    } else report.refused(item, { code: error.code, message: error.message, field: error.field ?? null });
  }
  report.sent(sent);
  return { settled: items.length };
}

/** Put together as text: the items are JSON already. */
function bodyOf(items: readonly BufferedItem[]): string {
  const inputs = items.map(({ json }) => json).join(',');
  return `{"query":${JSON.stringify(recordBatch)},"variables":{"inputs":[${inputs}]}}`;
}

function asRequestError(error: unknown): HubRequestError {
  if (error instanceof HubRequestError) return error;
  return new HubRequestError('UNREACHABLE', error instanceof Error ? error.message : String(error), {
    cause: error,
  });
}
