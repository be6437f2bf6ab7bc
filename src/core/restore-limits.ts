/** The bounds of what watches for restored databases, as in `limits`. */
export const restoreLimits = {
  /** Sets how often each hub notes how far the numbers are, milliseconds: what it can't tell after a restore is as long. */
  lineageBeatMs: 10_000,
  /**
   * Sets how long a pooler's connection is taken for one to the same server, milliseconds: it changes them behind the
   * hub's back.
   */
  lineageTrustMs: 250,
  /** A restore that nobody settles is an alert for so long, milliseconds; by then its backup is history. */
  restoreAlertMs: 30 * 24 * 3_600_000,
  /** Restores that are listed. */
  restoresShown: 50,
} as const;
