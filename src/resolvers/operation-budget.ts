import { HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';

/** Holds what a caller is told beside the data, in `extensions.warnings`. */
export interface AnswerWarning {
  readonly code: 'LIST_CUT';
  readonly message: string;
  readonly path: readonly (string | number)[];
}

/**
 * Counts what an operation takes while it runs, since nobody knows before how long a list is or how large a text. One an
 * operation; a GraphQL subscription begins anew with each of its events.
 */
export class OperationBudget {
  #fields = 0;
  #chars = 0;
  #rows = 0;
  #readBytes = 0;
  #refusal: HubError | undefined;
  #warnings: AnswerWarning[] = [];

  /** @throws HubError LIMIT_EXCEEDED */
  takeFields(count: number): void {
    this.#fields += count;
    if (this.#fields > limits.answerFields)
      this.#refuse(`would have more than ${limits.answerFields} fields`);
  }

  /** @throws HubError LIMIT_EXCEEDED */
  takeChars(count: number): void {
    this.#chars += count;
    if (this.#chars > limits.answerChars)
      this.#refuse(`would have more than ${limits.answerChars} characters`);
  }

  /** Rows that may still be read for lists within lists. */
  get rowsLeft(): number {
    return limits.answerRows - this.#rows;
  }

  /** @throws HubError LIMIT_EXCEEDED */
  takeRows(count: number): void {
    this.#rows += count;
    if (this.rowsLeft < 0) this.#refuse(`needs more than ${limits.answerRows} rows of nested lists`);
  }

  /** Bytes of business data that may still be read. */
  get dataLeft(): number {
    return limits.answerChars - this.#readBytes;
  }

  /** @throws HubError LIMIT_EXCEEDED */
  takeData(bytes: number): void {
    this.#readBytes += bytes;
    if (this.dataLeft < 0) this.#refuse(`needs more than ${limits.answerChars} bytes of business data`);
  }

  /** Set when the operation has taken more than it may: its answer is refused. It is one error, whatever asks for more. */
  get refusal(): HubError | undefined {
    return this.#refusal;
  }

  /** Tells the caller something beside the data; a few dozen of them say enough. */
  warn(warning: AnswerWarning): void {
    if (this.#warnings.length < limits.toldErrors) this.#warnings.push(warning);
  }

  /** Ends one answer: gives what is to be told with it, and counts the next from the start. */
  close(): AnswerWarning[] {
    const warnings = this.#warnings;
    this.#fields = 0;
    this.#chars = 0;
    this.#rows = 0;
    this.#readBytes = 0;
    this.#refusal = undefined;
    this.#warnings = [];
    return warnings;
  }

  #refuse(what: string): never {
    this.#refusal ??= new HubError(
      'LIMIT_EXCEEDED',
      `The answer ${what}. Ask for smaller pages, or for fewer fields at once.`,
    );
    throw this.#refusal;
  }
}
