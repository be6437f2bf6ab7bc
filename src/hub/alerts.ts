import { lastDifferences } from '../db/consistency/report-statements.ts';
import { AlertRounds } from '../jobs/alert-rounds.ts';
import type { Alerts } from '../monitoring/alerts/alerts.ts';
import { type AlertTelling, openAlerting, openAlertTelling } from '../monitoring/alerts/open-alerting.ts';
import type { MetricReadings } from '../monitoring/alerts/readings.ts';
import { SqlReadings } from '../monitoring/alerts/sql-readings.ts';
import { referencesIn } from '../monitoring/channels/open-channels.ts';
import type { DeliveryParts } from './delivery.ts';
import type { Start } from './start.ts';
import type { Store } from './store.ts';

/** Gives what alerts read, and /metrics. */
export function readingsOf({ db }: Pick<Store, 'db'>): MetricReadings {
  return new SqlReadings(db.pool, () => lastDifferences(db.pool));
}

/** Gives what the alerts file says; read before anything is started, so that a wrong one leaves nothing behind. */
export async function readAlertTelling({
  config,
  time,
  log,
  environment,
  parts,
}: Start): Promise<AlertTelling> {
  const { alertsFile: file, language, timeZone, publicUrl } = config;
  const open = referencesIn(environment);
  const telling = await openAlertTelling({ file, language, timeZone, publicUrl, open }, time);
  if (telling.isEmpty)
    log.warn({ file }, 'the alerts file sets nothing: the default rules hold, told to nobody');
  return parts.use(telling);
}

/** Alerts; they are evaluated and told by schedulers. */
export function startAlerts(
  { config, clock, log, parts }: Start,
  telling: AlertTelling,
  { db, nodes }: Pick<Store, 'db'> & Pick<DeliveryParts, 'nodes'>,
): Alerts {
  const readings = readingsOf({ db });
  const opened = parts.use(openAlerting(telling, { db, clock, log, nodes, readings }));
  const rounds = new AlertRounds(clock, opened.alerting);
  parts.defer(() => rounds.stop());
  if (config.roles.includes('scheduler')) rounds.start();
  return opened.alerts;
}
