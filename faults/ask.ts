import { z } from 'zod';

const answer = z.object({
  data: z.record(z.string(), z.unknown()).nullish(),
  errors: z.array(z.object({ message: z.string(), extensions: z.object({ code: z.string() }) })).optional(),
});

/** A call that a hub refused, by its code, or that it did not answer (`no answer`). */
export class AskError extends Error {
  override readonly name = 'AskError';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Asks a hub by GraphQL over HTTP. @throws AskError */
export async function ask(
  url: string,
  who: { key: string; timeoutMs: number },
  query: string,
  variables: Record<string, unknown>,
): Promise<Record<string, unknown>> {
  const body = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${who.key}` },
    body: JSON.stringify({ query, variables }),
    signal: AbortSignal.timeout(who.timeoutMs),
  })
    .then(response => response.json())
    .catch((error: unknown) => {
      throw new AskError('no answer', String(error));
    });
  const parsed = answer.safeParse(body);
  if (!parsed.success) throw new AskError('no answer', 'What answered is no GraphQL.');
  const [error] = parsed.data.errors ?? [];
  if (error !== undefined) throw new AskError(error.extensions.code, error.message);
  return parsed.data.data ?? {};
}
