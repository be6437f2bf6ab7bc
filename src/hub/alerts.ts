import { lastDifferences } from '../db/consistency-reports.ts';
import { AlertRounds } from '../jobs/alert-rounds.ts';
import type { Alerts } from '../monitoring/alerts.ts';
import { referencesIn } from '../monitoring/channels/open-channels.ts';
import { openAlerting } from '../monitoring/open-alerting.ts';
import type { MetricReadings } from '../monitoring/readings.ts';
import { SqlReadings } from '../monitoring/sql-readings.ts';
import type { Delivery } from './delivery.ts';
import type { Start } from './start.ts';
import type { Store } from './store.ts';

/** What alerts read, and /metrics. */
export function readingsOf({ db }: Pick<Store, 'db'>): MetricReadings {
  return new SqlReadings(db.pool, () => lastDifferences(db.pool));
}

/** Alerts; they are evaluated and told by schedulers. */
export async function startAlerts(context: Start, { db }: Store, { nodes }: Delivery): Promise<Alerts> {
  const { config, clock, log, parts } = context;
  const readings = readingsOf({ db });
  const { alertsFile: file, language, timeZone, publicUrl } = config;
  const open = referencesIn(context.environment);
  const options = { file, language, timeZone, publicUrl, open };
  const opened = parts.use(await openAlerting(options, { db, clock, log, nodes, readings }));
  const rounds = new AlertRounds(clock, opened.alerting);
  parts.defer(() => rounds.stop());
  if (config.roles.includes('scheduler')) rounds.start();
  return opened.alerts;
}
