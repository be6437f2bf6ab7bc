import { errorCodeOf } from '../core/errors.ts';
import { fileFault } from '../core/file-fault.ts';
import { note } from './terminal.ts';

/** Ends the process with one line where standard output can't be written: a full disk is no fault of the program's. */
export function watchStandardOutput(): void {
  process.stdout.on('error', error => {
    // A reader that has seen enough (`| head`) is no fault.
    if (errorCodeOf(error) === 'EPIPE') return;
    note(`✗ Standard output can't be written: ${fileFault(error)}.`);
    // Whatever the command is about, nobody is told of it any more.
    process.exit(1);
  });
}
