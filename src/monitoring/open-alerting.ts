import type { Clock } from '../core/clock.ts';
import type { Logger } from '../core/logger.ts';
import { type NodesOfTopic, RowChanges } from '../core/row-changes.ts';
import type { Database } from '../db/database.ts';
import { readAlertFile } from './alert-file.ts';
import { type Language, settingsWithoutFile } from './alert-settings.ts';
import { Alerting } from './alerting.ts';
import { Alerts, type ShownAlert } from './alerts.ts';
import { type OpenReference, openChannels } from './channels/open-channels.ts';
import { Messages } from './messages.ts';
import type { MetricReadings } from './readings.ts';

/** How alerts are set up. */
export interface AlertingOptions {
  /** Undefined: the default rules, told to nobody. */
  readonly file: string | undefined;
  readonly language: Language;
  readonly timeZone: string;
  readonly publicUrl: string | undefined;
  /** What a reference to a secret in the file stands for. */
  readonly open: OpenReference;
}

/** Alerts, from their file: what evaluates and tells, and what people ask. Dispose of it to stop. */
export interface OpenAlerting extends AsyncDisposable {
  readonly alerting: Alerting;
  readonly alerts: Alerts;
}

/** Reads the file, opens the channels and puts alerting together; starts nothing. @throws HubError BAD_USER_INPUT for a file that does not fit */
export async function openAlerting(
  options: AlertingOptions,
  deps: {
    readonly db: Database;
    readonly clock: Clock;
    readonly log: Logger;
    readonly nodes: NodesOfTopic<'alerts'>;
    readonly readings: MetricReadings;
  },
): Promise<OpenAlerting> {
  const { db, clock, nodes } = deps;
  const { timeZone, language, publicUrl = null, open } = options;
  const settings = options.file === undefined ? settingsWithoutFile : await readAlertFile(options.file);
  const messages = new Messages({ language, timeZone, publicUrl });
  const channels = await openChannels(settings.channels, { open, messages, clock });
  const changes = new RowChanges<ShownAlert, 'alerts'>({ clock, nodes, topic: 'alerts', slowText });
  const alerting = new Alerting({ ...deps, settings, timeZone, changes, channels: channels.byName });
  const { notifier } = alerting;
  const alerts = new Alerts({ db, clock, settings, channels: channels.byName, notifier, messages, changes });
  return {
    alerting,
    alerts,
    async [Symbol.asyncDispose]() {
      await alerting.stop();
      await channels[Symbol.asyncDispose]();
    },
  };
}

const slowText = 'alerts changed that were not read yet: this watcher is too slow. Read the list (alerts).';
