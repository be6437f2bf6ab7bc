import { Command } from 'commander';
import { type ClientOptions, createClient, withClientOptions } from './client.ts';
import { enumOption } from './enum-option.ts';
import { graphql } from './generated/gql.ts';
import type { Role } from './generated/graphql.ts';
import { readId } from './id-argument.ts';
import { reencryptCommand } from './reencrypt.ts';
import { timeCell } from './shown-time.ts';
import { print, printJson, printTable } from './terminal.ts';

const listKeys = graphql(`
  query ListKeys { apiKeys { id name role system createdAt lastUsedAt revokedAt } }
`);

const createKey = graphql(`
  mutation CreateKey($name: String!, $role: Role!, $system: String) {
    createApiKey(name: $name, role: $role, system: $system) { secret apiKey { id name role system createdAt } }
  }
`);

const revokeKey = graphql(`
  mutation RevokeKey($id: ID!) { revokeApiKey(id: $id) { id name role system revokedAt } }
`);

const roles: Record<string, Role> = {
  publisher: 'PUBLISHER',
  subscriber: 'SUBSCRIBER',
  analyst: 'ANALYST',
  admin: 'ADMIN',
};

interface KeysOptions extends ClientOptions {
  readonly json?: boolean;
}

interface CreateKeyOptions extends KeysOptions {
  readonly name: string;
  readonly role: string;
  readonly system?: string;
}

/** `hub keys`: API keys, and the key that encrypts secrets at rest. */
export function keysCommand(): Command {
  const command = new Command('keys').description(
    'API keys: create, list, revoke; and reencrypt for secrets at rest',
  );
  command
    .addCommand(createCommand())
    .addCommand(listCommand())
    .addCommand(revokeCommand())
    .addCommand(reencryptCommand());
  return command;
}

function createCommand(): Command {
  const command = new Command('create')
    .description('make a key; its secret is shown once')
    .requiredOption('--name <name>', 'what it is for')
    .addOption(enumOption('--role <role>', 'what it may do', Object.keys(roles)).makeOptionMandatory())
    .option('--system <system>', 'the system that a publisher or subscriber key is bound to')
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (options: CreateKeyOptions) => {
    const role = roles[options.role] ?? 'ANALYST';
    const { createApiKey: made } = await createClient(options).request(createKey, {
      name: options.name,
      role,
      system: options.system ?? null,
    });
    if (options.json) return printJson(made);
    print(
      `✓ Key ${made.apiKey.id} (${made.apiKey.name}, ${options.role}${made.apiKey.system == null ? '' : ` of ${made.apiKey.system}`})`,
    );
    print(`  ${made.secret}   (keep it: shown this once)`);
  });
}

function listCommand(): Command {
  const command = new Command('list').description('show all keys').option('--json', 'print JSON');
  return withClientOptions(command).action(async (options: KeysOptions) => {
    const { apiKeys } = await createClient(options).request(listKeys, {});
    if (options.json) return printJson(apiKeys);
    const rows = apiKeys.map(key => [
      key.id,
      key.name,
      key.role.toLowerCase(),
      key.system,
      timeCell(key.createdAt),
      timeCell(key.lastUsedAt),
      timeCell(key.revokedAt),
    ]);
    printTable(['ID', 'NAME', 'ROLE', 'SYSTEM', 'CREATED', 'LAST USED', 'REVOKED'], rows);
  });
}

function revokeCommand(): Command {
  const command = new Command('revoke')
    .description('end a key; it is out within seconds')
    .argument('<id>', 'as `keys list` shows it', readId)
    .option('--json', 'print JSON');
  return withClientOptions(command).action(async (id: string, options: KeysOptions) => {
    const { revokeApiKey: key } = await createClient(options).request(revokeKey, { id });
    if (options.json) return printJson(key);
    print(`✓ Key ${key.id} (${key.name}) is revoked.`);
  });
}
