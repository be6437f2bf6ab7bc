const { execArgv } = process;
const at = execArgv.findIndex(argument => argument === '--import' || argument.startsWith('--import='));

/** The option by which this process loads TypeScript, for the processes that a test starts. */
export const loader: readonly string[] =
  at === -1 ? [] : execArgv.slice(at, execArgv[at] === '--import' ? at + 2 : at + 1);
