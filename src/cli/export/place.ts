import { lstat, readlink, realpath } from 'node:fs/promises';
import path from 'node:path';
import { errorCodeOf, HubError } from '../../core/errors.ts';
import { fileFault } from '../../core/file-fault.ts';

/** Says where a file is written. */
export interface Place {
  /** As `--output` has it: what it is called in errors. */
  readonly output: string;
  readonly path: string;
  /** The name that the file has until it is whole. */
  readonly part: string;
}

/**
 * Tells where a file that `--output` names is written: where a symbolic link leads to, for one. Renaming puts a new file in
 * the place of whatever stands there, so that may be a file or nothing, but no device, pipe or folder.
 * @throws HubError BAD_USER_INPUT
 */
export async function placeOf(output: string): Promise<Place> {
  const file = await followed(output);
  const part = `${file}.part`;
  await checkReplaceable(output, file);
  await checkReplaceable(output, part);
  return { output, path: file, part };
}

/** Gives what is said of a file that can't be written. */
export function outputFault(output: string, error: unknown): HubError {
  const message = `--output: ${output} can't be written: ${fileFault(error)}.`;
  return new HubError('BAD_USER_INPUT', message, { cause: error });
}

async function followed(file: string): Promise<string> {
  try {
    return await realpath(file);
  } catch (error) {
    if (errorCodeOf(error) !== 'ENOENT') throw outputFault(file, error);
    // There is nothing, or a link to nothing: a shell's `>` would make what it names.
    const link = await readlink(file).catch(() => null);
    if (link === null) return file;
    return followed(path.resolve(await realpath(path.dirname(file)), link));
  }
}

async function checkReplaceable(output: string, place: string): Promise<void> {
  const found = await lstat(place).catch((error: unknown) => {
    if (errorCodeOf(error) === 'ENOENT') return null;
    throw outputFault(output, error);
  });
  if (found === null || found.isFile()) return;
  const what = found.isDirectory() ? 'a folder' : 'no regular file';
  const advice = found.isDirectory()
    ? 'Name a file.'
    : `To write into it: leave --output out and add > ${output}`;
  throw new HubError('BAD_USER_INPUT', `--output: ${place} is ${what}, and would be replaced. ${advice}`);
}
