import type { ClientOptions } from '../client.ts';

/** The options of `hub listen`, as the command line gives them. */
export interface ListenOptions extends ClientOptions {
  readonly subscription: string;
  readonly forward?: string;
  readonly secret?: string | undefined;
  readonly prefetch: number;
  readonly json?: boolean;
}
