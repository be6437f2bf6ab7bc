import type { ClientOptions } from '../client.ts';
import type { SyncStatus } from '../generated/graphql.ts';

/** The options of `hub tail`, as the command line gives them. */
export interface TailOptions extends ClientOptions {
  readonly subscription?: string;
  readonly status?: SyncStatus[];
  readonly error?: string;
  readonly last: number;
  readonly verbose?: boolean;
  readonly json?: boolean;
}
