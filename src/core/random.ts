/** A source of randomness: a number from 0 (in) to 1 (out). Passed in wherever chance decides, so tests can fix it. */
export type Random = () => number;
