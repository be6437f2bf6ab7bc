import { readFile } from 'node:fs/promises';
import { type Document, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { HubError } from '../core/errors.ts';
import { faultWords } from '../core/fault-words.ts';
import { fileFault } from '../core/file-fault.ts';
import { type AlertSettings, settingsWithoutFile } from './alert-settings.ts';
import { type ChannelSettings, channelSchema } from './channels/channel-settings.ts';
import type { NoticePolicy } from './notices.ts';
import { badness, defaultRules, metrics, type Rule, ruleNames } from './rules.ts';

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
/** `90s`, `15m`, `1h`, `2d`. */
const span = z
  .string()
  .regex(/^\d{1,6}[smhd]$/, 'must be a time span: 90s, 15m, 1h or 2d')
  .transform(text => Number.parseInt(text, 10) * (unitsMs.get(text.slice(-1)) ?? 0));
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
  window: span.optional(),
  for: span.optional(),
  clearAfter: span.optional(),
  hysteresis: z.number().min(0).max(0.9).optional(),
  minimum: z.int().min(1).optional(),
});

const fileSchema = z.strictObject({
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
type AlertFile = z.infer<typeof fileSchema>;
type Path = readonly PropertyKey[];

/** Something in the file that does not fit, and where. */
interface Fault {
  readonly path: Path;
  readonly message: string;
}

/** Reads an alerts file. @throws HubError BAD_USER_INPUT that names line and key of everything that does not fit */
export async function readAlertFile(file: string): Promise<AlertSettings> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new HubError('BAD_USER_INPUT', `The alerts file ${file} can't be read: ${fileFault(error)}.`, {
      cause: error,
    });
  }
  return parseAlertFile(text, file);
}

/** As `readAlertFile`, from its text. @param name what the file is called in errors */
export function parseAlertFile(text: string, name: string): AlertSettings {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  // The library's own messages quote the text, which may hold what should not stand there.
  if (broken !== undefined)
    throw faultsError(name, [`line ${lines.linePos(broken.pos[0]).line}: no valid YAML (${broken.code})`]);
  const parsed = fileSchema.safeParse(document.toJS() ?? {}, { error: faultWords });
  const faults = parsed.success ? crossFaults(parsed.data) : parsed.error.issues.flatMap(faultsOf);
  if (faults.length > 0 || !parsed.success)
    throw faultsError(
      name,
      faults.map(
        ({ path, message }) =>
          `line ${lineOf(document, lines, path)}: ${path.length === 0 ? 'the file' : path.map(String).join('.')}: ${message}`,
      ),
    );
  return settingsOf(parsed.data);
}

function faultsError(name: string, faults: readonly string[]): HubError {
  return new HubError('BAD_USER_INPUT', `${name} does not fit.\n  ${faults.join('\n  ')}`);
}

/** A key that is not known is named itself, not the map it stands in. */
function faultsOf(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.map(key => ({ path: [...issue.path, key], message: 'there is no such setting' }));
  if (issue.code === 'invalid_key')
    return [{ path: issue.path, message: issue.issues.map(({ message }) => message).join('; ') }];
  return [{ path: issue.path, message: issue.message }];
}

/** The line of the deepest part of a path that stands in the file. */
function lineOf(document: Document.Parsed, lines: LineCounter, path: Path): number {
  let node: unknown = document.contents;
  let at = offsetOf(node);
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find(item => isScalar(item.key) && item.key.value === key);
      if (pair === undefined) break;
      at = offsetOf(pair.key);
      node = pair.value;
    } else if (isSeq(node) && typeof key === 'number') {
      node = node.items[key];
      at = offsetOf(node);
    } else break;
  }
  return lines.linePos(at).line;
}

function offsetOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0;
}

/** What fits by itself and not together. */
function crossFaults(file: AlertFile): Fault[] {
  const known = new Set(Object.keys(file.channels ?? {}));
  const unknown = (channels: readonly string[], path: Path): Fault[] =>
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

function settingsOf(file: AlertFile): AlertSettings {
  const channels = Object.entries(file.channels ?? {}).map(
    ([name, settings]): ChannelSettings => ({ ...settings, name }),
  );
  return {
    rules: defaultRules.map(rule => ruleOf(rule, file)),
    policy: policyOf(file, channels),
    quietHours: file.quietHours ?? null,
    channels,
  };
}

function ruleOf(rule: Rule, { rules }: AlertFile): Rule {
  const { window, for: forMs, clearAfter, ...rest } = rules?.[rule.name] ?? {};
  return {
    ...rule,
    ...rest,
    windowMs: window ?? rule.windowMs,
    forMs: forMs ?? rule.forMs,
    clearAfterMs: clearAfter ?? rule.clearAfterMs,
  };
}

function policyOf(file: AlertFile, channels: readonly ChannelSettings[]): NoticePolicy {
  const escalationOf = (of: 'critical' | 'warning' | 'info') => {
    const given = file.escalation?.[of];
    return given === undefined ? null : { afterMs: given.after, to: given.to };
  };
  return {
    routes: { ...settingsWithoutFile.policy.routes, ...file.routes },
    escalation: {
      critical: escalationOf('critical'),
      warning: escalationOf('warning'),
      info: escalationOf('info'),
    },
    firingOnly: new Set(
      channels.filter(one => one.type === 'aliyun-voice' && !one.resolved).map(({ name }) => name),
    ),
  };
}
