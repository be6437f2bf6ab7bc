import { errorCodeOf, messageOf } from './errors.ts';

const reasons: Record<string, string> = {
  ENOENT: 'there is no such file or folder',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of its path is a file',
  EACCES: 'this user may not open it',
  EPERM: 'this user may not open it',
  EROFS: 'its disk is mounted read-only',
  ENOSPC: 'its disk is full (ENOSPC)',
  EFBIG: 'it would become larger than files may here (EFBIG)',
  EDQUOT: 'this user’s share of its disk is used up (EDQUOT)',
  EIO: 'its disk can’t be read or written (EIO)',
  ESPIPE: 'it is a pipe, and what is read must be there to be read again; write it to a file first',
  ELOOP: 'its symbolic links lead in a circle',
  EEXIST: 'it is there already',
};

/** Why a file can't be read or written, for people: what Node says of it names a system call. */
export function fileFault(error: unknown): string {
  return reasons[errorCodeOf(error) ?? ''] ?? messageOf(error);
}
