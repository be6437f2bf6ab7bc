/** Calls a user's callback. Its own fault, thrown or rejected, stops nothing here: Node prints it as a warning. */
export function guarded(callback: () => unknown): void {
  const warn = (error: unknown) => process.emitWarning(error instanceof Error ? error : String(error));
  try {
    const answer = callback();
    if (answer instanceof Promise) answer.catch(warn);
  } catch (error) {
    warn(error);
  }
}
