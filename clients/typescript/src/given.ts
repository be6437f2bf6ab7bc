/**
 * Checks that an option is given. From JavaScript it may be undefined: mostly an environment variable that is not set,
 * which would fail later, again and again, and say less.
 * @throws {TypeError} naming the option, and what is expected
 */
export function checkGiven(name: string, value: unknown, expected: string): void {
  if (value === undefined || value === null || value === '')
    throw new TypeError(`${name}: nothing is given; ${expected}`);
}

/** Checks an option that must be a function. @throws {TypeError} naming the option */
export function checkFunction(name: string, value: unknown): void {
  if (typeof value !== 'function') throw new TypeError(`${name}: give a function.`);
}
