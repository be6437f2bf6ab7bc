import type { RecordOutcome } from '../generated/graphql.ts';
import { type Batch, gatherBatches, type RejectedLine } from './batches.ts';
import type { FileLine } from './lines.ts';
import type { LineResult, Sender } from './sender.ts';

/** Requests under way at once: enough to keep the hub's commits filled. */
const requestsAtOnce = 4;

/** Holds what the lines of a file came to. */
export interface ImportCounts {
  readonly lines: number;
  readonly created: number;
  readonly updated: number;
  readonly duplicate: number;
  readonly stale: number;
  readonly refused: number;
}

/** Holds what an import works with. */
export interface ImporterOptions {
  readonly sender: Pick<Sender, 'send'>;
  /** Takes a line that was refused. */
  readonly reject: (line: RejectedLine) => void;
  /** Told after each batch. */
  readonly onProgress: (bytes: number, lines: number) => void;
  /** Ends the reading; what is under way is finished. */
  readonly stop: AbortSignal;
}

const fieldOf: Record<RecordOutcome, keyof ImportCounts> = {
  CREATED: 'created',
  UPDATED: 'updated',
  DUPLICATE: 'duplicate',
  STALE: 'stale',
};

/** Records the lines of one file, several requests at once. */
export class Importer {
  readonly #options: ImporterOptions;
  readonly #counts = { lines: 0, created: 0, updated: 0, duplicate: 0, stale: 0, refused: 0 };
  readonly #underWay = new Map<Batch, Promise<void>>();
  #fault: { error: unknown } | undefined;
  #position = 0;
  #updatedWithoutVersion = 0;
  #firstRefused: Omit<RejectedLine, 'input'> | null = null;

  constructor(options: ImporterOptions) {
    this.#options = options;
  }

  /** Holds what was done so far. */
  get counts(): ImportCounts {
    return { ...this.#counts };
  }

  /** The refused line that stands first in the file, of those refused so far, and why. */
  get firstRefused(): Omit<RejectedLine, 'input'> | null {
    return this.#firstRefused;
  }

  /** Lines that changed a record and did not say which version they are: imported again, they may change it again. */
  get updatedWithoutVersion(): number {
    return this.#updatedWithoutVersion;
  }

  /**
   * Records all lines. Those of one source record go out in their order: a batch waits while another that holds a
   * record of its own is under way.
   * @throws what ended it early; `counts` then holds what was done
   */
  async run(lines: AsyncIterable<FileLine>): Promise<void> {
    try {
      for await (const batch of gatherBatches(lines, line => this.#reject(line))) {
        while (this.#mustWait(batch)) await Promise.race(this.#underWay.values());
        if (this.#isOver) break;
        this.#underWay.set(batch, this.#record(batch));
      }
    } finally {
      await Promise.all(this.#underWay.values());
    }
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  get #isOver(): boolean {
    return this.#fault !== undefined || this.#options.stop.aborted;
  }

  #mustWait(batch: Batch): boolean {
    if (this.#isOver) return false;
    if (this.#underWay.size >= requestsAtOnce) return true;
    return [...this.#underWay.keys()].some(other =>
      batch.lines.some(({ record }) => other.records.has(record)),
    );
  }

  async #record(batch: Batch): Promise<void> {
    try {
      for (const result of await this.#options.sender.send(batch.lines)) this.#count(result);
      this.#position = Math.max(this.#position, batch.position);
      this.#options.onProgress(this.#position, this.#counts.lines);
    } catch (error) {
      this.#fault ??= { error };
    } finally {
      this.#underWay.delete(batch);
    }
  }

  #count(result: LineResult): void {
    if ('code' in result) return this.#reject(result);
    this.#counts.lines += 1;
    this.#counts[fieldOf[result.outcome]] += 1;
    if (result.outcome === 'UPDATED' && !result.line.versioned) this.#updatedWithoutVersion += 1;
  }

  #reject(line: RejectedLine): void {
    this.#counts.lines += 1;
    this.#counts.refused += 1;
    const { input: _, ...refusal } = line;
    if (refusal.line < (this.#firstRefused?.line ?? Number.POSITIVE_INFINITY)) this.#firstRefused = refusal;
    this.#options.reject(line);
  }
}
