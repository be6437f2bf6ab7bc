import { readFileSync } from 'node:fs';
import { type Command, InvalidArgumentError } from 'commander';
import { fileFault } from '../../core/file-fault.ts';
import { enumOption } from '../enum-option.ts';
import type { SyncMode, UpdateDataSubscriptionInput } from '../generated/graphql.ts';
import { note } from '../terminal.ts';

/** COMPENSATION is none of them: it marks what is sent once more (`hub retry`, `hub fix-data`, resync). */
const modes: Record<string, SyncMode> = { realtime: 'REALTIME', batch: 'BATCH' };

/** The options that `create` and `update` have in common. False: `--no-…`, which empties a field. */
export interface SettingOptions {
  readonly webhookUrl?: string | false;
  readonly consistencyUrl?: string | false;
  readonly autoFix?: boolean;
  readonly sourceSystems?: string[] | false;
  readonly companyIds?: string[] | false;
  readonly mode?: string | false;
  readonly batchCron?: string | false;
  readonly batchSize?: number;
  readonly batchMaxBytes?: number;
  readonly maxInFlight?: number;
  readonly shards?: number;
  readonly rateLimitPerSecond?: number | false;
  readonly timeoutMs?: number;
  readonly ackTimeoutMs?: number;
  readonly payloadQuery?: string | false;
  readonly maxRetries?: number;
  readonly baseDelayMs?: number;
  readonly maxDelayMs?: number;
  readonly jitter?: number;
}

/** Adds them to a command. */
export function withSettingOptions(command: Command): Command {
  return command
    .option('--webhook-url <url>', 'where events are posted to')
    .option('--consistency-url <url>', 'where the consumer answers what it holds (often the webhook’s URL)')
    .option('--auto-fix', 'scheduled consistency checks send again what differs')
    .option('--source-systems <names>', 'only these sources’, with commas (left out: all)', readList)
    .option('--company-ids <ids>', 'only these companies’, with commas (left out: all)', readList)
    .addOption(
      enumOption('--mode <mode>', 'how events travel (left out: as the event type says)', Object.keys(modes)),
    )
    .option(
      '--batch-cron <pattern>',
      'when its BATCH events are due: minute hour day month weekday (0 2 * * *)',
    )
    .option('--batch-size <count>', 'events in one request (1)', readWhole)
    .option('--batch-max-bytes <bytes>', 'bytes of a request with several events (1048576)', readWhole)
    .option('--max-in-flight <count>', 'requests under way at once (32)', readWhole)
    .option('--shards <count>', 'drains that its events are spread over by source record (1)', readWhole)
    .option('--rate-limit-per-second <count>', 'requests a second (left out: unlimited)', readWhole)
    .option('--timeout-ms <ms>', 'how long an answer is waited for (30000)', readWhole)
    .option(
      '--ack-timeout-ms <ms>',
      'how long an attached consumer has to acknowledge an event (30000)',
      readWhole,
    )
    .option(
      '--payload-query <selection>',
      'a GraphQL selection on VoucherEvent that shapes `data`, e.g. "{ data voucher { amount } }"; @FILE reads it from a file',
      readText,
    )
    .option('--max-retries <count>', 'retries after the first attempt (3)', readWhole)
    .option('--base-delay-ms <ms>', 'delay before the first retry; doubles with each (1000)', readWhole)
    .option('--max-delay-ms <ms>', 'bound of the doubled delay (600000)', readWhole)
    .option('--jitter <share>', 'share of the delay added at random, 0 to 1 (0.1)', readNumber);
}

/** The input's fields. What is undefined does not go out, so the hub's own defaults hold, or what was there. */
export function settingsOf(
  options: SettingOptions,
): Omit<UpdateDataSubscriptionInput, 'name' | 'eventTypes'> {
  const { maxRetries, baseDelayMs, maxDelayMs, jitter, mode } = options;
  const retry = { maxRetries, baseDelayMs, maxDelayMs, jitter };
  return {
    webhookUrl: orNull(options.webhookUrl),
    consistencyUrl: orNull(options.consistencyUrl),
    autoFix: options.autoFix,
    sourceSystems: orNull(options.sourceSystems),
    companyIds: orNull(options.companyIds),
    mode: typeof mode === 'string' ? modes[mode] : orNull(mode),
    batchCron: orNull(options.batchCron),
    batchSize: options.batchSize,
    batchMaxBytes: options.batchMaxBytes,
    maxInFlight: options.maxInFlight,
    shards: options.shards,
    rateLimitPerSecond: orNull(options.rateLimitPerSecond),
    timeoutMs: options.timeoutMs,
    ackTimeoutMs: options.ackTimeoutMs,
    payloadQuery: orNull(options.payloadQuery),
    retry: Object.values(retry).every(value => value === undefined) ? undefined : retry,
  };
}

function orNull<T>(value: T | false): T | null {
  return value === false ? null : value;
}

/** Gives what the hub foresees, on standard error: the subscription stands all the same. */
export function noteWarnings({ warnings }: { readonly warnings: readonly string[] }): void {
  for (const warning of warnings) note(`! ${warning}`);
}

/** Parts between commas. */
export function readList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}

/** The text itself, or with @ before it the file that it stands in. */
function readText(text: string): string {
  if (!text.startsWith('@')) return text;
  try {
    return readFileSync(text.slice(1), 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(`${text.slice(1)} can't be read: ${fileFault(error)}.`);
  }
}

/** A whole number. @throws InvalidArgumentError */
export function readWhole(text: string): number {
  const value = readNumber(text);
  // What GraphQL's Int holds: beyond it the hub would answer in its own terms.
  if (!Number.isInteger(value) || Math.abs(value) > 2_147_483_647)
    throw new InvalidArgumentError('A whole number is expected.');
  return value;
}

function readNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('A number is expected.');
  return value;
}
