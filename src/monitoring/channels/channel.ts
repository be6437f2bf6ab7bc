import type { AlertNotice } from '../alerts/messages.ts';

/** Carries alerts to people. */
export interface Channel {
  readonly name: string;
  /** Least time between two sendings, milliseconds: what comes meanwhile is joined. Keeps the provider's limit. */
  readonly spacingMs: number;
  /**
   * Tells all of it, in as few messages as the provider's rules allow.
   * @throws ChannelError, whose text holds no secret
   */
  send(notices: readonly AlertNotice[], signal: AbortSignal): Promise<void>;
}

/** A channel did not take a message. */
export class ChannelError extends Error {
  override readonly name = 'ChannelError';
}
