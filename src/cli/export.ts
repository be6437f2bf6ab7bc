import { Command } from 'commander';
import { readClientEnvironment } from '../client-environment.ts';
import { processEnvironment } from '../config.ts';
import { isTimeZone } from '../setting-types.ts';
import { withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { enumOption } from './enum-option.ts';
import { formatNames } from './export/format.ts';
import type { ExportOptions } from './export/options.ts';
import { exportSyncs } from './export/run.ts';
import { readId } from './id-argument.ts';

const help = `
Days are meant, and times written, by the business clock (--time-zone, HUB_TIME_ZONE; left out: Asia/Shanghai). What was
recorded from the beginning of --from until the beginning of --to is exported, the newest first; left out, --to is now.
CSV is UTF-8 with a byte order mark, for Excel; a text that begins like a formula has an apostrophe before it.
Parquet has times as instants (UTC). A file is there whole or not at all: it is written as FILE.part, then takes its
name, or that of the file which a symbolic link leads to. Into a pipe or a device: without --output, by > FILE.

Examples:
  hub export --from 2025-12-01 --to 2026-01-01 --format csv --output december.csv
  hub export --from 2025-12-19T08:00:00+08:00 --format jsonl | jq -r .error_code
  hub export --from 2025-12-01 --format parquet --subscription 3 --output tax.parquet --json

Exit code: 0 all is written, 1 it is not, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** `hub export`: the sync log as a file. */
export function exportCommand(result: CommandResult): Command {
  const command = new Command('export')
    .description('write the sync log as CSV, JSON Lines or Parquet; of any length')
    .requiredOption('--from <date>', 'since: a day (YYYY-MM-DD) or an instant (2025-12-19T08:00:00+08:00)')
    .option('--to <date>', 'until then; a day: until it begins')
    .addOption(enumOption('--format <format>', 'form of the file', formatNames).default('csv'))
    .option('--subscription <id>', 'only what goes to this subscription', readId)
    .option('--output <file>', 'left out, or -: standard output')
    .option('--time-zone <name>', 'business time zone (HUB_TIME_ZONE)')
    .option('--json', 'print a summary as JSON; with --output')
    .addHelpText('after', help);
  return withClientOptions(command).action(
    async (given: Omit<ExportOptions, 'timeZone'> & { timeZone?: string }) => {
      const timeZone = given.timeZone ?? readClientEnvironment(processEnvironment()).timeZone;
      const { output, ...others } = given;
      // As everywhere: - is standard output.
      const options = { ...others, timeZone, ...(output === undefined || output === '-' ? {} : { output }) };
      const fault = usageFault(options);
      if (fault !== null) command.error(`error: ${fault}`);
      result.exitCode = await exportSyncs(options);
    },
  );
}

function usageFault({ output, format, json, timeZone }: ExportOptions): string | null {
  if (!isTimeZone(timeZone))
    return `--time-zone (HUB_TIME_ZONE): "${timeZone}" is no IANA time zone, e.g. Asia/Shanghai.`;
  if (output !== undefined) return null;
  if (json === true) return '--json tells of a file; name one with --output.';
  if (format === 'parquet' && process.stdout.isTTY)
    return 'Parquet is not for a terminal; name a file with --output.';
  return null;
}
