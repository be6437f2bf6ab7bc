import type { z } from 'zod';
import { HubError } from '../core/errors.ts';
import { faultWords } from '../core/fault-words.ts';
import { settings, table } from './settings.ts';

/** The settings that a hub runs with; frozen. */
export interface Config extends Readonly<Omit<z.infer<typeof table>, 'targetAllow' | 'logFormat'>> {
  /** Host names and CIDR ranges with commas, or `none`; the guard of webhooks reads it. */
  readonly targetAllow: string;
  /** True where `targetAllow` came from the embedded default rather than from the operator. */
  readonly targetAllowIsDefault: boolean;
  readonly logFormat: 'json' | 'pretty';
}

/**
 * Reads the settings from an environment. An empty variable counts as left out.
 * @throws HubError BAD_USER_INPUT that names every variable at fault; its text never holds a value.
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const given = Object.fromEntries(
    settings.map(({ name, variable }) => [name, env[variable]?.trim() || undefined]),
  );
  const parsed = table.safeParse(given, { error: faultWords });
  if (!parsed.success) {
    const faults = parsed.error.issues.map(issue => `${variableOf(issue.path[0])}: ${issue.message}`);
    throw new HubError('BAD_USER_INPUT', `These settings do not fit.\n  ${faults.join('\n  ')}`);
  }
  const { targetAllow, logFormat, ...rest } = parsed.data;
  if (rest.databaseUrl !== undefined && rest.encryptionKey === undefined) {
    throw new HubError(
      'BAD_USER_INPUT',
      'HUB_ENCRYPTION_KEY: required with DATABASE_URL; make one with: openssl rand -base64 32',
    );
  }
  if (rest.databaseUrl === undefined && (rest.databaseDirectUrl ?? rest.databaseReplicaUrl) !== undefined) {
    throw new HubError(
      'BAD_USER_INPUT',
      'DATABASE_DIRECT_URL, DATABASE_REPLICA_URL: they go with a DATABASE_URL; the embedded database has neither.',
    );
  }
  const defaultAllow = rest.databaseUrl === undefined ? 'localhost,127.0.0.0/8,::1/128' : 'none';
  return Object.freeze({
    ...rest,
    targetAllow: targetAllow ?? defaultAllow,
    targetAllowIsDefault: targetAllow === undefined && rest.databaseUrl === undefined,
    logFormat: logFormat ?? (process.stderr.isTTY ? 'pretty' : 'json'),
  });
}

/**
 * Without DATABASE_URL the database is the hub's own, and what a shell sets for PostgreSQL's clients (PGSSLMODE,
 * PGOPTIONS …) is meant for another one; the driver would take it all the same.
 */
export function dropPostgresVariables(env: NodeJS.ProcessEnv): void {
  if (env.DATABASE_URL?.trim()) return;
  for (const name of Object.keys(env)) if (/^PG[A-Z]+$/.test(name)) Reflect.deleteProperty(env, name);
}

/** This process's environment: the only place that reads it. */
export function processEnvironment(): NodeJS.ProcessEnv {
  return process.env;
}

function variableOf(name: PropertyKey | undefined): string {
  return settings.find(setting => setting.name === name)?.variable ?? String(name);
}
