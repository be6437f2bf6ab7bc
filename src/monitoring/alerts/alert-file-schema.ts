import { z } from 'zod';
import { limits } from '../../core/limits.ts';
import { channelSchema } from '../channels/channel-settings.ts';
import { badness, metrics, type Rule, ruleNames } from './rules.ts';

/** Something in the file that does not fit, and where. */
export interface Fault {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

const severity = z.enum(['critical', 'warning', 'info']);
const severityMap = <T extends z.ZodType>(type: T) =>
  z.strictObject({ critical: type.optional(), warning: type.optional(), info: type.optional() });
const channelName = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]{0,31}$/,
    'a channel’s name: a letter, then up to 31 letters, digits, - or _',
  );

const unitsMs = new Map([
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
/** `90s`, `15m`, `1h`, `2d`; longer than a month is a slip of the unit. */
const span = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be a time span: 90s, 15m, 1h or 2d')
  .transform(text => Number.parseInt(text, 10) * (unitsMs.get(text.slice(-1)) ?? 0))
  .refine(ms => ms <= 31 * 86_400_000, 'must be 31d or less');
/** Holds what falls between two evaluations would be seen by none. */
const window = span.refine(
  ms => ms >= limits.alertEveryMs,
  `must be ${limits.alertEveryMs / 1_000}s or more: rules are evaluated that often`,
);
const timeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day in quotes: "22:00"')
  .transform(text => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const ruleSchema = z.strictObject({
  enabled: z.boolean().optional(),
  levels: z
    .array(z.strictObject({ severity, threshold: z.number().min(0) }))
    .min(1)
    .max(5)
    .optional(),
  scopes: z
    .array(z.enum(['subscription', 'overall']))
    .min(1)
    .optional(),
  window: window.optional(),
  for: span.optional(),
  clearAfter: span.optional(),
  hysteresis: z.number().min(0).max(0.9).optional(),
  minimum: z.int().min(1).optional(),
});

/** An alerts file, as it is written. */
export const alertFileSchema = z.strictObject({
  channels: z.record(channelName, channelSchema).optional(),
  routes: severityMap(z.array(z.string())).optional(),
  escalation: severityMap(z.strictObject({ after: span, to: z.array(z.string()).min(1) })).optional(),
  quietHours: z
    .strictObject({
      from: timeOfDay,
      to: timeOfDay,
      severities: z.array(severity).min(1).default(['warning', 'info']),
    })
    .optional(),
  rules: z.partialRecord(z.enum(ruleNames), ruleSchema).optional(),
});
/** An alerts file that fits. */
export type AlertFile = z.infer<typeof alertFileSchema>;

/**
 * Gives what fits by itself and not together; of a file that has faults already, in the rest of it: one must not hide another.
 * @param value the whole file @param unfit what does not fit by itself
 */
export function crossFaults(value: unknown, unfit: readonly Fault[]): Fault[] {
  const file = alertFileSchema.safeParse(withoutUnfit(value, unfit));
  if (!file.success) return [];
  // A channel that does not fit is there all the same.
  const channels = isRecord(value) && isRecord(value.channels) ? Object.keys(value.channels) : [];
  return faultsTogether(file.data, new Set(channels));
}

/** Without each part that has a fault: a rule or channel by itself, else all of what the file sets by one name. */
function withoutUnfit(value: unknown, unfit: readonly Fault[]): unknown {
  if (!isRecord(value)) return value;
  const rest = { ...value };
  for (const { path } of unfit) {
    const [section, name] = path.map(String);
    if (section === undefined) continue;
    const within = rest[section];
    if (isRecord(within) && name !== undefined && (section === 'rules' || section === 'channels'))
      rest[section] = Object.fromEntries(Object.entries(within).filter(([key]) => key !== name));
    else delete rest[section];
  }
  return rest;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function faultsTogether(file: AlertFile, known: ReadonlySet<string>): Fault[] {
  const unknown = (channels: readonly string[], path: Fault['path']): Fault[] =>
    channels.flatMap((name, at) =>
      known.has(name) ? [] : [{ path: [...path, at], message: `there is no channel ${name}` }],
    );
  const routes = Object.entries(file.routes ?? {}).flatMap(([of, channels]) =>
    unknown(channels, ['routes', of]),
  );
  const escalation = Object.entries(file.escalation ?? {}).flatMap(([of, { to }]) =>
    unknown(to, ['escalation', of, 'to']),
  );
  const rules = ruleNames.flatMap(name => levelFaults(name, file));
  const quiet = file.quietHours;
  const empty = quiet !== undefined && quiet.from === quiet.to;
  return [
    ...routes,
    ...escalation,
    ...rules,
    ...(empty ? [{ path: ['quietHours', 'to'], message: 'must differ from `from`' }] : []),
  ];
}

function levelFaults(name: Rule['name'], { rules }: AlertFile): Fault[] {
  const given = rules?.[name];
  const faults: Fault[] = [];
  const metric = metrics[name];
  for (const [at, level] of (given?.levels ?? []).entries()) {
    const before = given?.levels?.[at - 1];
    const path = ['rules', name, 'levels', at, 'threshold'];
    if (metric.unit === 'percent' && level.threshold > 100)
      faults.push({ path, message: 'must be 0 to 100' });
    if (before !== undefined && badness(name, level.threshold) <= badness(name, before.threshold))
      faults.push({ path, message: `must be ${metric.worse} the level before: the mildest comes first` });
  }
  for (const [at, scope] of (given?.scopes ?? []).entries())
    if (!metric.scopes.includes(scope))
      faults.push({ path: ['rules', name, 'scopes', at], message: `this rule has no scope ${scope}` });
  return faults;
}
