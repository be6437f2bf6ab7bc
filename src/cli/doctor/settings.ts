import { type Config, readConfig } from '../../config/config.ts';
import { proxyVariables, proxyVariablesText } from '../../config/proxy-variables.ts';
import { unknownSettings, unknownSettingText } from '../../config/unknown-settings.ts';
import { messageOf } from '../../core/errors.ts';
import { type Check, checksOf } from './check.ts';

const { ok, warn, fail } = checksOf('settings');

/** Tells whether the settings fit, the file that they name too, and whether there are some that nothing reads. */
export async function checkSettings(
  env: NodeJS.ProcessEnv,
): Promise<{ config: Config | null; checks: Check[] }> {
  const { config, checks } = checkValues(env);
  const file = config?.alertsFile;
  const alerts = file === undefined ? { checks: [], variables: [] } : await checkAlertsFile(file, env);
  const unknown = unknownSettings(env, alerts.variables).map(one => warn(unknownSettingText(one)));
  return { config, checks: [...checks, ...alerts.checks, ...unknown, ...checkProxies(env)] };
}

/** The hub may run with another environment; it says so at its start where it has them too. */
function checkProxies(env: NodeJS.ProcessEnv): Check[] {
  const proxies = proxyVariables(env);
  if (proxies.length === 0) return [];
  return [
    warn(
      proxyVariablesText(proxies),
      'Let this machine reach the targets directly, or unset the variable where the hub starts.',
    ),
  ];
}

function checkValues(env: NodeJS.ProcessEnv): { config: Config | null; checks: Check[] } {
  try {
    return { config: readConfig(env), checks: [ok('all fit (`hub start --help` lists them)')] };
  } catch (error) {
    const faults = messageOf(error)
      .split('\n')
      .map(line => line.trim())
      .filter(line => /^[A-Z_]+:/.test(line));
    const each = faults.length > 0 ? faults : [messageOf(error)];
    return {
      config: null,
      checks: each.map(fault =>
        fail(
          fault,
          'Correct it and run `hub doctor` again: without good settings the database and the queue were not looked at.',
        ),
      ),
    };
  }
}

/** @returns `variables` that the file refers to */
async function checkAlertsFile(
  file: string,
  env: NodeJS.ProcessEnv,
): Promise<{ checks: Check[]; variables: string[] }> {
  // Loaded here, so that other doctors stay quick.
  const [{ readAlertFile }, { missingReferences, unfitReferences, variablesOf }] = await Promise.all([
    import('../../monitoring/alerts/alert-file.ts'),
    import('../../monitoring/channels/open-channels.ts'),
  ]);
  try {
    const { channels } = (await readAlertFile(file)).settings;
    const missing = (await missingReferences(channels, env)).map(
      reference => `HUB_ALERTS_FILE names ${reference}, which is empty or not there`,
    );
    const unfit = (await unfitReferences(channels, env)).map(fault => `HUB_ALERTS_FILE: ${fault}`);
    const checks = [...missing, ...unfit].map(fault => fail(fault, 'Without it no hub starts here.'));
    return { checks, variables: variablesOf(channels) };
  } catch (error) {
    return {
      checks: [fail(`HUB_ALERTS_FILE: ${messageOf(error)}`, 'Without it no hub starts here.')],
      variables: [],
    };
  }
}
