import { systemClock } from '../core/clock.ts';
import { errorCodeOf } from '../core/errors.ts';
import { fileFault } from '../core/file-fault.ts';
import { limits } from '../core/limits.ts';
import { note } from './terminal.ts';

const pollMs = 20;

/** Ends the process with one line where standard output can't be written: a full disk is no fault of the program's. */
export function watchStandardOutput(): void {
  process.stdout.on('error', endWithoutOutput);
  // Nobody can be told of that, and it is no reason to end.
  process.stderr.on('error', () => {});
}

/** From now on the process goes on where standard output can't be written: what a hub does matters more than what it says. */
export function outliveStandardOutput(): void {
  process.stdout.off('error', endWithoutOutput);
  process.stdout.on('error', () => {});
}

/**
 * Ends the process where nobody reads what it has written: it would wait for that for ever.
 * @param streams those that are not waited for longer than `limits.outputEndMs`
 * @param exit stands for `process.exit`
 */
export async function endUnread(
  streams: readonly { readonly writableLength: number }[],
  exit: () => void,
): Promise<void> {
  const isRead = () => streams.every(({ writableLength }) => writableLength === 0);
  for (let waited = 0; !isRead() && waited < limits.outputEndMs; waited += pollMs)
    await systemClock.sleep(pollMs);
  if (!isRead()) exit();
}

function endWithoutOutput(error: Error): void {
  // A reader that has seen enough (`| head`) is no fault.
  if (errorCodeOf(error) === 'EPIPE') return;
  note(`✗ Standard output can't be written: ${fileFault(error)}.`);
  // Whatever the command is about, nobody is told of it any more.
  process.exit(1);
}
