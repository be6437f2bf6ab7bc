/** Says where a command leaves what it came to, when that is not an error. */
export interface CommandResult {
  exitCode: number;
}
