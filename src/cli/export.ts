import { Argument, Command } from 'commander';
import { readClientEnvironment } from '../config/client-environment.ts';
import { processEnvironment } from '../config/config.ts';
import { isTimeZone } from '../config/setting-types.ts';
import { withClientOptions } from './client.ts';
import type { CommandResult } from './command-result.ts';
import { enumOption } from './enum-option.ts';
import { formatNames } from './export/format.ts';
import { type ExportOptions, subjects } from './export/options.ts';
import { runExport } from './export/run.ts';
import { readId } from './id-argument.ts';

const help = `
Days are meant, and times written, by the business clock (--time-zone, HUB_TIME_ZONE; left out: Asia/Shanghai). The newest
comes first. Syncs: what was recorded from the beginning of --from until the beginning of --to; left out, --to is now.
Vouchers: those whose date is --from or later and before --to; left out, up to today. Amounts are exact, and those of the
voucher as it stands now; source_version of a sync is the version that it carries.
CSV is UTF-8 with a byte order mark, for Excel, and amounts are numbers there; a text that a spreadsheet would run has an
apostrophe before it. Parquet has times as instants (UTC) and amounts as decimals. A file is there whole or not at all: it is
written as FILE.part, then takes its name, or that of the file which a symbolic link leads to. Into a pipe or a device:
without --output, by > FILE.

Examples:
  hub export --from 2025-12-01 --to 2026-01-01 --format csv --output december.csv
  hub export vouchers --from 2025-12-01 --to 2026-01-01 --output vouchers-2025-12.csv
  hub export vouchers --from 2025-12-01 --source-system settlement --format jsonl | jq -r .amount
  hub export --from 2025-12-19T08:00:00+08:00 --format jsonl | jq -r .error_code
  hub export --from 2025-12-01 --format parquet --subscription 3 --output tax.parquet --json

Exit code: 0 all is written, 1 it is not, 2 wrong usage, 130 stopped by Ctrl-C.`;

/** `hub export`: the sync log, or the vouchers, as a file. */
export function exportCommand(result: CommandResult): Command {
  const command = new Command('export')
    .description('write the sync log or the vouchers as CSV, JSON Lines or Parquet; of any length')
    .addArgument(new Argument('[what]', 'what is exported').choices(subjects).default('syncs'))
    .requiredOption('--from <date>', 'since: a day (YYYY-MM-DD) or an instant (2025-12-19T08:00:00+08:00)')
    .option('--to <date>', 'until then; a day: until it begins')
    .addOption(enumOption('--format <format>', 'form of the file', formatNames).default('csv'))
    .option('--subscription <id>', 'syncs: only what goes to this subscription', readId)
    .option('--source-system <name>', 'vouchers: only those of this system')
    .option('--output <file>', 'left out, or -: standard output')
    .option('--time-zone <name>', 'business time zone (HUB_TIME_ZONE)')
    .option('--json', 'print a summary as JSON; with --output')
    .addHelpText('after', help);
  return withClientOptions(command).action(
    async (
      what: ExportOptions['what'],
      given: Omit<ExportOptions, 'timeZone' | 'what'> & { timeZone?: string },
    ) => {
      const timeZone = given.timeZone ?? readClientEnvironment(processEnvironment()).timeZone;
      const { output, ...others } = given;
      // As everywhere: - is standard output.
      const options = {
        ...others,
        what,
        timeZone,
        ...(output === undefined || output === '-' ? {} : { output }),
      };
      const fault = usageFault(options);
      if (fault !== null) command.error(`error: ${fault}`);
      result.exitCode = await runExport(options);
    },
  );
}

function usageFault(options: ExportOptions): string | null {
  const { output, format, json, timeZone } = options;
  if (options.what === 'vouchers' && options.subscription !== undefined)
    return '--subscription is for syncs; vouchers go to several.';
  if (options.what === 'syncs' && options.sourceSystem !== undefined)
    return '--source-system is for vouchers: hub export vouchers.';
  if (!isTimeZone(timeZone))
    return `--time-zone (HUB_TIME_ZONE): "${timeZone}" is no IANA time zone, e.g. Asia/Shanghai.`;
  if (output !== undefined) return null;
  if (json === true) return '--json tells of a file; name one with --output.';
  if (format === 'parquet' && process.stdout.isTTY)
    return 'Parquet is not for a terminal; name a file with --output.';
  return null;
}
