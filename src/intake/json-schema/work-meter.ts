/** The data of one voucher needs more steps than its schema may take for it. */
export class WorkExceededError extends Error {
  override readonly name = 'WorkExceededError';
}

/** The steps that checks may still take together. */
export interface WorkBudget {
  left: number;
}

/**
 * Counts the steps of one check at a time. A step is what evaluating one keyword takes, some ten nanoseconds. Steps are
 * counted, as a clock would refuse on a busy machine what it takes on an idle one.
 */
export class WorkMeter {
  #left = 0;

  /** Runs a check of at most `most` steps, and takes those that it needed off `budget`. @throws WorkExceededError */
  run<T>(budget: WorkBudget, most: number, check: () => T): T {
    const allowed = Math.min(budget.left, most);
    this.#left = allowed;
    try {
      return check();
    } catch (error) {
      // A schema that refers to itself for the same value overflows the stack before it has used up its steps.
      if (error instanceof RangeError && /call stack/i.test(error.message)) throw new WorkExceededError();
      throw error;
    } finally {
      budget.left -= allowed - Math.max(0, this.#left);
    }
  }

  /** @throws WorkExceededError */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw new WorkExceededError();
  }

  /** The same for what looks at each character, item or key of a value. @throws WorkExceededError */
  spendOn(value: unknown, each: number, fixed: number): void {
    this.spend(fixed + each * sizeOf(value));
  }
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
}
