import type { Clock } from '../../core/clock.ts';
import type { Logger } from '../../core/logger.ts';
import { type NodesOfTopic, RowChanges } from '../../core/row-changes.ts';
import type { Database } from '../../db/database.ts';
import type { Channel } from '../channels/channel.ts';
import { type OpenReference, openChannels } from '../channels/open-channels.ts';
import { readAlertFile } from './alert-file.ts';
import { type AlertSettings, type Language, settingsWithoutFile } from './alert-settings.ts';
import { Alerting } from './alerting.ts';
import { Alerts, type ShownAlert } from './alerts.ts';
import { AlertMessages } from './messages.ts';
import type { MetricReadings } from './readings.ts';

/** Says how alerts are set up. */
export interface AlertTellingOptions {
  /** Undefined: the default rules, told to nobody. */
  readonly file: string | undefined;
  readonly language: Language;
  readonly timeZone: string;
  readonly publicUrl: string | undefined;
  /** Holds what a reference to a secret in the file stands for. */
  readonly open: OpenReference;
}

/** Holds what the alerts file says, its channels opened. Dispose of it to close them. */
export interface AlertTelling extends AsyncDisposable {
  readonly settings: AlertSettings;
  /** There is a file, and it sets nothing. */
  readonly isEmpty: boolean;
  readonly timeZone: string;
  readonly messages: AlertMessages;
  readonly channels: ReadonlyMap<string, Channel>;
}

/** Alerts: what evaluates and tells, and what people ask. Dispose of it to stop. */
export interface OpenAlerting extends AsyncDisposable {
  readonly alerting: Alerting;
  readonly alerts: Alerts;
}

/**
 * Reads the file and opens the channels; needs nothing else that runs.
 * @throws HubError BAD_USER_INPUT for a file that does not fit or is not there, and for a secret that is not there
 */
export async function openAlertTelling(
  options: AlertTellingOptions,
  clock: Pick<Clock, 'now'>,
): Promise<AlertTelling> {
  const { file, timeZone, language, publicUrl = null, open } = options;
  const { settings, isEmpty } =
    file === undefined ? { settings: settingsWithoutFile, isEmpty: false } : await readAlertFile(file);
  const messages = new AlertMessages({ language, timeZone, publicUrl });
  const channels = await openChannels(settings.channels, { open, messages, clock });
  return {
    settings,
    isEmpty,
    timeZone,
    messages,
    channels: channels.byName,
    [Symbol.asyncDispose]: () => channels[Symbol.asyncDispose](),
  };
}

/** Puts alerting together; starts nothing. */
export function openAlerting(
  { settings, timeZone, messages, channels }: AlertTelling,
  deps: {
    readonly db: Database;
    readonly clock: Clock;
    readonly log: Logger;
    readonly nodes: NodesOfTopic<'alerts'>;
    readonly readings: MetricReadings;
  },
): OpenAlerting {
  const { db, clock, nodes } = deps;
  const changes = new RowChanges<ShownAlert, 'alerts'>({ clock, nodes, topic: 'alerts', slowText });
  const alerting = new Alerting({ ...deps, settings, timeZone, changes, channels });
  const { notifier } = alerting;
  const alerts = new Alerts({ db, clock, settings, channels, notifier, messages, changes });
  return { alerting, alerts, [Symbol.asyncDispose]: () => alerting.stop() };
}

const slowText = 'alerts changed that were not read yet: this watcher is too slow. Read the list (alerts).';
