import type { TestHub } from './hub.ts';

/** A key that a test made. */
export interface MadeKey {
  id: string;
  secret: string;
}

/** Makes a key. */
export async function makeKey(hub: TestHub, role: string, system?: string): Promise<MadeKey> {
  const { createApiKey: made } = await hub.data<{ createApiKey: { apiKey: { id: string }; secret: string } }>(
    'mutation ($role: Role!, $system: String) { createApiKey(name: "test", role: $role, system: $system) { apiKey { id } secret } }',
    { role, system },
  );
  return { id: made.apiKey.id, secret: made.secret };
}

/** 'ok', or the code that an answer refuses with. */
export async function verdict(
  hub: TestHub,
  key: string | null,
  query: string,
  variables: Record<string, unknown>,
): Promise<string> {
  const answer = await hub.ask(query, variables, key);
  return answer.errors?.[0]?.extensions.code ?? 'ok';
}
