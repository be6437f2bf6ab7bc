import { Command } from 'commander';
import { processEnvironment } from '../../config/config.ts';
import { HubError } from '../../core/errors.ts';
import type { CommandResult } from '../command-result.ts';
import { note, plural, print, printJson } from '../terminal.ts';

const help = `
--json: {"ok": true, "rules": …, "channels": […], "missing": […]} or {"ok": false, "problems": ["line 3: …"]}. \`missing\`
are references to secrets that stand for nothing here: the file fits, and the hub would not start without them.`;

/** `hub alerts check`: whether an alerts file fits, without a hub. */
export function checkCommand(result: CommandResult): Command {
  return new Command('check')
    .description('check an alerts file; exits 1 and names lines and keys when it does not fit')
    .argument('<file>', 'YAML, as HUB_ALERTS_FILE names it')
    .option('--json', 'print JSON')
    .addHelpText('after', help)
    .action(async (file: string, { json = false }: { json?: boolean }) => {
      const found = await look(file);
      if ('problems' in found) {
        result.exitCode = 1;
        if (json) printJson({ ok: false, problems: found.problems });
        note(`✗ ${file} does not fit.\n  ${found.problems.join('\n  ')}`);
        return;
      }
      const { rules, channels, missing, isEmpty } = found;
      if (isEmpty) note(`${file} sets nothing: the default rules hold, and nobody is told.`);
      if (json) return printJson({ ok: true, rules, channels, missing });
      print(`✓ ${file} fits: ${plural(rules, 'rule')}, ${plural(channels.length, 'channel')}.`);
      for (const reference of missing)
        print(`  ${reference} is empty or not there: the hub would not start here.`);
    });
}

type CheckedFile =
  | { readonly problems: readonly string[] }
  | {
      readonly rules: number;
      readonly channels: readonly string[];
      readonly missing: readonly string[];
      readonly isEmpty: boolean;
    };

async function look(file: string): Promise<CheckedFile> {
  // Loaded here, so that the other commands stay quick.
  const [{ parseAlertText, readAlertText }, { missingReferences, unfitReferences }] = await Promise.all([
    import('../../monitoring/alerts/alert-file.ts'),
    import('../../monitoring/channels/open-channels.ts'),
  ]);
  try {
    const parsed = parseAlertText(await readAlertText(file));
    if ('faults' in parsed) return { problems: parsed.faults };
    const { rules, channels } = parsed.settings;
    const environment = processEnvironment();
    const unfit = await unfitReferences(channels, environment);
    if (unfit.length > 0) return { problems: unfit };
    return {
      rules: rules.filter(({ enabled }) => enabled).length,
      channels: channels.map(({ name }) => name),
      missing: await missingReferences(channels, environment),
      isEmpty: parsed.isEmpty,
    };
  } catch (error) {
    if (error instanceof HubError) return { problems: [error.message] };
    throw error;
  }
}
