import { readFile } from 'node:fs/promises';
import {
  type Document,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';
import type { z } from 'zod';
import { HubError } from '../../core/errors.ts';
import { faultWords } from '../../core/fault-words.ts';
import { fileFault } from '../../core/file-fault.ts';
import type { ChannelSettings } from '../channels/channel-settings.ts';
import { type AlertFile, alertFileSchema, crossFaults, type Fault } from './alert-file-schema.ts';
import { type AlertSettings, settingsWithoutFile } from './alert-settings.ts';
import type { NoticePolicy } from './notices.ts';
import { defaultRules, type Rule } from './rules.ts';

/** Holds what an alerts file says. */
export interface ReadAlertFile {
  readonly settings: AlertSettings;
  /** It sets nothing: the default rules, told to nobody. */
  readonly isEmpty: boolean;
}

/** Holds what an alerts file says, or everything that does not fit in it: `line 3: routes.critical.0: …`. */
export type ParsedAlertFile = ReadAlertFile | { readonly faults: readonly string[] };

/** Reads an alerts file. @throws HubError BAD_USER_INPUT that names line and key of everything that does not fit */
export async function readAlertFile(file: string): Promise<ReadAlertFile> {
  return parseAlertFile(await readAlertText(file), file);
}

/** The text of an alerts file. @throws HubError BAD_USER_INPUT */
export async function readAlertText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new HubError('BAD_USER_INPUT', `The alerts file ${file} can't be read: ${fileFault(error)}.`, {
      cause: error,
    });
  }
}

/** Works as `readAlertFile`, from its text. @param name what the file is called in errors */
export function parseAlertFile(text: string, name: string): ReadAlertFile {
  const parsed = parseAlertText(text);
  if ('settings' in parsed) return parsed;
  throw faultsError(name, parsed.faults);
}

function faultsError(name: string, faults: readonly string[]): HubError {
  return new HubError('BAD_USER_INPUT', `${name} does not fit.\n  ${faults.join('\n  ')}`);
}

/** Works as `parseAlertFile`, without an error. */
export function parseAlertText(text: string): ParsedAlertFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const [broken] = document.errors;
  // The library's own messages quote the text, which may hold what should not stand there.
  if (broken !== undefined)
    return { faults: [`line ${lines.linePos(broken.pos[0]).line}: no valid YAML (${broken.code})`] };
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch {
    return { faults: [aliasFault(document, lines)] };
  }
  const parsed = alertFileSchema.safeParse(value, { error: faultWords });
  const unfit = parsed.success ? [] : parsed.error.issues.flatMap(faultsOf);
  const faults = [...unfit, ...crossFaults(value, unfit)];
  if (parsed.success && faults.length === 0)
    return { settings: settingsOf(parsed.data), isEmpty: Object.keys(parsed.data).length === 0 };
  const placed = faults.map(({ path, message }) => ({
    line: lineOf(document, lines, path),
    words: `${path.length === 0 ? 'the file' : path.map(String).join('.')}: ${message}`,
  }));
  return {
    faults: placed.toSorted((a, b) => a.line - b.line).map(({ line, words }) => `line ${line}: ${words}`),
  };
}

/** All that the library refuses only when it puts values together; aliases of aliases may be a text without end. */
function aliasFault(document: Document.Parsed, lines: LineCounter): string {
  const found: { node: Node; isLost: boolean }[] = [];
  visit(document, {
    Alias: (_, node) => void found.push({ node, isLost: node.resolve(document) === undefined }),
  });
  const at = found.find(({ isLost }) => isLost) ?? found[0];
  const message =
    at?.isLost === true ? 'there is no anchor of this name before it' : 'aliases are nested too deep';
  return `line ${lines.linePos(offsetOf(at?.node)).line}: ${message}`;
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
function lineOf(document: Document.Parsed, lines: LineCounter, path: Fault['path']): number {
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
