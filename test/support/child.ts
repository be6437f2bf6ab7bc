/** The options by which this process loads TypeScript, for the processes that a test starts. */
export const loader: readonly string[] = process.execArgv.flatMap((argument, at, all) =>
  argument === '--import'
    ? [argument, all[at + 1] ?? '']
    : argument.startsWith('--import=')
      ? [argument]
      : [],
);
