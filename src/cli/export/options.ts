import type { ClientOptions } from '../client.ts';
import type { FormatName } from './format.ts';

/** The options of `hub export`, as the command line gives them. */
export interface ExportOptions extends ClientOptions {
  readonly from: string;
  readonly to?: string;
  readonly format: FormatName;
  readonly subscription?: string;
  /** Left out: standard output. */
  readonly output?: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly json?: boolean;
}
