import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * The import rule of `src`, as one table. `node scripts/import-rule.ts` writes the linter's overrides from it into
 * .oxlintrc.json; a test fails where that file differs from the table, or where a folder of `src` is missing here.
 */

/** Root files of `src` that are no room. Only the rooms that name them may import them. */
const rootFiles = ['hub', 'main'];

interface Room {
  /** Rooms and root files that this folder may import from, beside its own. */
  readonly imports: readonly string[];
  /** Fenced packages that this folder may import. Packages that no room fences are free to all. */
  readonly packages: readonly string[];
  readonly message: string;
}

/** Each folder's row. A sub-folder without a row has its room's. */
export const rooms: Readonly<Record<string, Room>> = {
  core: { imports: [], packages: [], message: 'Core imports no other room.' },
  db: { imports: ['core'], packages: ['mikro-orm', 'pg'], message: 'Db imports core only.' },
  config: {
    imports: ['jobs', 'delivery', 'access', 'core'],
    packages: [],
    message: 'Config reads settings by the rules of those who use them.',
  },
  access: { imports: ['db', 'core'], packages: ['pg'], message: 'Services know no door.' },
  intake: {
    imports: ['db', 'core'],
    packages: ['pg', 'wire-forms'],
    message: 'Services know no door, and intake knows no other service.',
  },
  delivery: {
    imports: ['access', 'db', 'core'],
    packages: ['pg', 'wire-forms'],
    message: 'Services know no door, and delivery knows access alone of the other services.',
  },
  'delivery/webhook': {
    imports: ['access', 'db', 'core'],
    packages: ['pg', 'undici', 'wire-forms'],
    message: 'Services know no door, and delivery knows access alone of the other services.',
  },
  'delivery/payload': {
    imports: ['access', 'db', 'core'],
    packages: ['pg', 'graphql', 'wire-forms'],
    message: 'Services know no door, and delivery knows access alone of the other services.',
  },
  monitoring: {
    imports: ['db', 'core'],
    packages: ['pg', 'prom-client'],
    message: 'Monitoring knows no other service.',
  },
  'monitoring/tracing': {
    imports: ['core'],
    packages: ['opentelemetry'],
    message: 'Tracing knows core only.',
  },
  'monitoring/channels': {
    imports: ['core'],
    packages: ['undici', 'nodemailer'],
    message: 'Alert channels know messages and core only.',
  },
  consistency: {
    imports: ['delivery', 'access', 'db', 'core'],
    packages: ['pg', 'wire-forms'],
    message: 'Services know no door, and consistency knows delivery and access of the other services.',
  },
  schema: { imports: ['core'], packages: ['type-graphql', 'graphql'], message: 'Schema imports core only.' },
  jobs: {
    imports: ['consistency', 'delivery', 'monitoring', 'access', 'db', 'core'],
    packages: ['pg', 'bullmq', 'ioredis'],
    message: 'Jobs are a door and know services only.',
  },
  resolvers: {
    imports: ['schema', 'intake', 'delivery', 'consistency', 'monitoring', 'access', 'db', 'core'],
    packages: ['type-graphql', 'graphql'],
    message: 'Resolvers are a door and know schema and services only.',
  },
  server: {
    imports: ['resolvers', 'schema', 'access', 'core'],
    packages: ['apollo', 'graphql', 'graphql-ws', 'ws', 'fastify'],
    message: 'The server knows resolvers, schema and access.',
  },
  hub: {
    imports: [
      'server',
      'resolvers',
      'schema',
      'jobs',
      'intake',
      'delivery',
      'consistency',
      'monitoring',
      'access',
      'db',
      'core',
      'config',
    ],
    packages: ['pg'],
    message: 'Hub puts rooms together and knows no command.',
  },
  cli: {
    imports: ['hub', 'resolvers', 'jobs', 'delivery', 'monitoring', 'access', 'db', 'core', 'config'],
    packages: ['pg', 'graphql-ws', 'ws', 'commander', 'wire-forms'],
    message: 'Commands know hub, settings and services.',
  },
};

/** Fenced packages by the name that rows use, each with the pattern of the module names that it stands for. */
const fencedPackages: Readonly<Record<string, string>> = {
  apollo: '(@apollo/|@as-integrations/)',
  bullmq: 'bullmq',
  commander: 'commander',
  fastify: '(fastify|@fastify/)',
  graphql: 'graphql(/|$)',
  'graphql-ws': 'graphql-ws',
  ioredis: 'ioredis',
  'mikro-orm': '@mikro-orm/',
  nodemailer: 'nodemailer',
  opentelemetry: '@opentelemetry/',
  pg: 'pg$',
  'prom-client': 'prom-client$',
  'type-graphql': 'type-graphql',
  undici: 'undici',
  'wire-forms': '@voucher-hub/client/wire$',
  ws: 'ws$',
};

/** Folders below `src` are at most this deep: a rule is written for each depth, since `../` means another folder there. */
const deepest = 3;

interface Override {
  readonly files: readonly string[];
  readonly rules: Readonly<Record<string, unknown>>;
}

/** The linter's overrides for the whole table: one for each row and depth. */
export function importOverrides(): Override[] {
  const topRooms = Object.keys(rooms).filter(room => !room.includes('/'));
  const fences: Override[] = [];
  for (const [folder, room] of Object.entries(rooms)) {
    const own = folder.split('/')[0];
    const forbidden = [...topRooms, ...rootFiles].filter(
      name => name !== own && !room.imports.includes(name),
    );
    const packages = Object.entries(fencedPackages).filter(([name]) => !room.packages.includes(name));
    const fence = {
      regex: `^(${packages.map(([, pattern]) => pattern).join('|')})`,
      message: `This package has a fence: see the table in scripts/import-rule.ts.`,
    };
    const depth = folder.split('/').length;
    for (let at = depth; at <= deepest; at += 1) {
      const files = `src/${folder}/${'*/'.repeat(at - depth)}*.ts`;
      const up = '\\.\\./'.repeat(at);
      const rule = {
        regex: `^${up}(${forbidden.join('|')})(/|\\.ts$)`,
        message: room.message,
      };
      fences.push({
        files: [files],
        rules: { 'no-restricted-imports': ['error', { patterns: [rule, fence] }] },
      });
    }
  }
  return fences;
}

interface LinterSettings {
  readonly overrides: readonly Override[];
}

/**
 * @param text the linter's settings, as JSON
 * @returns the same with the table's overrides in place of those that restrict imports in `src`
 */
export function withImportRule(text: string): string {
  const settings: LinterSettings & Record<string, unknown> = JSON.parse(text);
  const isOurs = ({ files, rules }: Override) =>
    'no-restricted-imports' in rules && files.every(file => file.startsWith('src/'));
  const others = settings.overrides.filter(override => !isOurs(override));
  return `${JSON.stringify({ ...settings, overrides: [...importOverrides(), ...others] }, undefined, 2)}\n`;
}

if (import.meta.main) {
  const file = path.resolve(fileURLToPath(import.meta.url), '../../.oxlintrc.json');
  writeFileSync(file, withImportRule(readFileSync(file, 'utf8')));
}
