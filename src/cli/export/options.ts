import type { ClientOptions } from '../client.ts';
import type { FormatName } from './format.ts';

/** Holds what can be exported. */
export const subjects = ['syncs', 'vouchers'] as const;

/** The options of `hub export`, as the command line gives them. */
export interface ExportOptions extends ClientOptions {
  readonly what: (typeof subjects)[number];
  readonly from: string;
  readonly to?: string;
  readonly format: FormatName;
  readonly subscription?: string;
  readonly sourceSystem?: string;
  /** Left out: standard output. */
  readonly output?: string;
  /** IANA name. */
  readonly timeZone: string;
  readonly json?: boolean;
}
