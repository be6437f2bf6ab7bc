import { Command } from 'commander';
import { processEnvironment } from '../config.ts';
import { plural, print, printJson } from './terminal.ts';

/** `hub alerts check`: whether an alerts file fits, without a hub. */
export function checkCommand(): Command {
  return new Command('check')
    .description('check an alerts file; exits 1 and names lines and keys when it does not fit')
    .argument('<file>', 'YAML, as HUB_ALERTS_FILE names it')
    .option('--json', 'print JSON')
    .action(async (file: string, options: { json?: boolean }) => {
      // Loaded here, so that the other commands stay quick.
      const [{ readAlertFile }, { missingReferences }] = await Promise.all([
        import('../monitoring/alert-file.ts'),
        import('../monitoring/channels/open-channels.ts'),
      ]);
      const { rules, channels } = await readAlertFile(file);
      const missing = await missingReferences(channels, processEnvironment());
      const on = rules.filter(({ enabled }) => enabled).length;
      if (options.json)
        return printJson({ ok: true, rules: on, channels: channels.map(({ name }) => name), missing });
      print(`✓ ${file} fits: ${plural(on, 'rule')}, ${plural(channels.length, 'channel')}.`);
      for (const reference of missing)
        print(`  ${reference} is empty or not there: the hub would not start here.`);
    });
}
