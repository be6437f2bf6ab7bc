/** Options that can't be what was meant, found after they were read: nothing was done, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
