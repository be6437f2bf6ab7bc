import type { Clock } from '../../core/clock.ts';
import { type HubClient, RefusedError, UnreachableError } from '../client.ts';
import { graphql } from '../generated/gql.ts';
import type { RecordOutcome } from '../generated/graphql.ts';
import type { RejectedLine, VoucherLine } from './batches.ts';

const recordVouchers = graphql(`
  mutation ImportVouchers($inputs: [RecordVoucherInput!]!) {
    recordVouchers(inputs: $inputs) {
      index
      result { outcome }
      error { code message field }
    }
  }
`);

/** Pauses while the hub does not answer, milliseconds: doubling from the first to the longest. */
const pauseFirstMs = 250;
const pauseMaxMs = 5_000;

/** Answers that say "come again": nothing was recorded, or sending it again records nothing twice. */
const passing = new Set(['UNAVAILABLE', 'SHUTTING_DOWN']);

/** Refusals of a whole request that one of its vouchers may be the reason of. */
const narrowed = new Set(['BAD_USER_INPUT', 'LIMIT_EXCEEDED', 'INTERNAL_SERVER_ERROR']);

/** Holds what became of a line. */
export type LineResult = { readonly line: VoucherLine; readonly outcome: RecordOutcome } | RejectedLine;

/** Holds what a sender works with. */
export interface SenderOptions {
  readonly client: HubClient;
  readonly clock: Clock;
  /** Says how long a hub that does not answer is waited for, milliseconds. */
  readonly patienceMs: number;
  /** Ends pauses: no more is tried. */
  readonly stop: AbortSignal;
  /** Ends requests under way. */
  readonly abandon: AbortSignal;
  /** Told once each time the hub is lost and found. */
  readonly onOutage: (message: string) => void;
}

/** Sends lines to the hub, and keeps trying while it is away. */
export class Sender {
  readonly #options: SenderOptions;
  #lost = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /**
   * Records lines in their order. A whole request that is refused because of one line (GraphQL refuses all where
   * one is of the wrong type) is halved until that line is alone.
   * @throws UnreachableError when patience or `stop` ended the trying, RefusedError when it is not for the lines
   */
  async send(lines: readonly VoucherLine[]): Promise<LineResult[]> {
    try {
      return await this.#sendPatiently(lines);
    } catch (error) {
      if (!(error instanceof RefusedError) || !narrowed.has(error.code)) throw error;
      const [line] = lines;
      if (line === undefined) return [];
      if (lines.length === 1) return [rejectedBy(error, line)];
    }
    const half = lines.length >> 1;
    const first = await this.send(lines.slice(0, half));
    return [...first, ...(await this.send(lines.slice(half)))];
  }

  async #sendPatiently(lines: readonly VoucherLine[]): Promise<LineResult[]> {
    const { clock, patienceMs, stop } = this.#options;
    const giveUpAt = clock.now() + patienceMs;
    for (let pauseMs = pauseFirstMs; ; pauseMs = Math.min(pauseMs * 2, pauseMaxMs)) {
      try {
        const results = await this.#sendOnce(lines);
        this.#found();
        return results;
      } catch (error) {
        if (!isPassing(error) || stop.aborted || clock.now() + pauseMs > giveUpAt) throw error;
        this.#lose(error);
        await clock.sleep(pauseMs, stop);
      }
    }
  }

  async #sendOnce(lines: readonly VoucherLine[]): Promise<LineResult[]> {
    const { client, abandon } = this.#options;
    const variables = `{"inputs":[${lines.map(({ text }) => text).join(',')}]}`;
    const { recordVouchers: items } = await client.requestText(recordVouchers, variables, abandon);
    return lines.map((line, index) => {
      const item = items[index];
      if (item?.result != null) return { line, outcome: item.result.outcome };
      const error = item?.error ?? {
        code: 'INTERNAL_SERVER_ERROR',
        message: 'The hub said nothing of this line.',
      };
      return rejectedBy(error, line);
    });
  }

  #lose(error: Error): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#options.onOutage(`${error.message} Trying again for up to ${this.#options.patienceMs / 1_000} s.`);
  }

  #found(): void {
    if (!this.#lost) return;
    this.#lost = false;
    this.#options.onOutage('The hub answers again; going on.');
  }
}

/** Tells whether an error says that the hub is away for now. */
export function isPassing(error: unknown): error is Error {
  return error instanceof UnreachableError || (error instanceof RefusedError && passing.has(error.code));
}

function rejectedBy(
  error: { code: string; message: string; field?: string | null },
  line: VoucherLine,
): RejectedLine {
  const { message, field } = plainMessage(error.message);
  return {
    line: line.number,
    code: error.code,
    message,
    field: field ?? error.field ?? null,
    input: JSON.parse(line.text),
  };
}

/** The hub says which of the variables is at fault; what is left here names the field and the fault. */
function plainMessage(text: string): { message: string; field: string | null } {
  const parts =
    /^Variable "\$inputs" is invalid at "\[0\]\.?([^"]*)": (.*)$/s.exec(text) ??
    // A hub of the version before quotes the value.
    /^Variable "\$inputs" got invalid value .* at "inputs\[0\]\.?([^"]*)"; (.*)$/s.exec(text);
  if (parts === null) return { message: text, field: null };
  const message = parts[2] ?? text;
  const named = /^Field "(\w+)"/.exec(message)?.[1];
  return { message, field: parts[1] || named || null };
}
