/*
 * What errors repeat of what a caller sent: an identifier that is short enough to be no secret, and nothing else. Keys and
 * tokens have 32 characters and more; names of event types, subscriptions' ids and field names have fewer.
 */
const identifier = /^[\p{L}\p{N}_.*:-]{1,30}$/u;

/** Digits of a number that an error repeats; account numbers and the like have more. */
const shownDigits = 12;

/** Names a caller's value within a sentence; a longer or other one is called "the value". */
export function shownValue(text: string): string {
  return identifier.test(text) ? text : 'the value';
}

/** Names a key of a caller's object within a path; a longer or other one is called `(key)`. */
export function shownKey(key: string): string {
  return identifier.test(key) ? key : '(key)';
}

/** Names a caller's number within a sentence, by its text. */
export function shownNumber(text: string): string {
  return text.length <= shownDigits ? `the number ${text}` : `a number of ${text.length} characters`;
}
