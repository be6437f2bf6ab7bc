import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import { requireRole } from '../access/caller.ts';
import type { ApiKeys } from '../access/keys.ts';
import type { Role } from '../core/model.ts';
import { ApiKey, ApiKeyWithSecret } from '../schema/access.types.ts';
import { RoleEnum } from '../schema/enums.ts';
import { ListSize } from '../schema/list-size.ts';
import { callerOf, type OperationContext } from './context.ts';

/** GraphQL: API keys; administrators manage them, analysts see them (without secrets, like everything). */
@Resolver()
export class AccessResolver {
  readonly #keys: ApiKeys;

  constructor(keys: ApiKeys) {
    this.#keys = keys;
  }

  @ListSize(10)
  @Query(() => [ApiKey], {
    description: 'API keys, the newest first, revoked ones among them: 1,000 at most.',
  })
  apiKeys(@Ctx() context: OperationContext): Promise<ApiKey[]> {
    requireRole(callerOf(context), 'analyst');
    return this.#keys.list();
  }

  @Mutation(() => ApiKeyWithSecret, {
    description: 'Makes an API key. Its secret is in the answer, and never shown again.',
  })
  async createApiKey(
    @Ctx() context: OperationContext,
    @Arg('name', () => String, { description: 'A name for people.' }) name: string,
    @Arg('role', () => RoleEnum, { description: 'What the key may do.' }) role: Role,
    @Arg('system', () => String, {
      nullable: true,
      description: 'The one system that the key is bound to; null: none.',
    })
    system: string | null | undefined,
  ): Promise<ApiKeyWithSecret> {
    requireRole(callerOf(context));
    const made = await this.#keys.create({ name, role, system: system ?? null });
    return { apiKey: made.key, secret: made.secret };
  }

  @Mutation(() => ApiKey, { description: 'Revokes an API key, within five seconds on every node.' })
  revokeApiKey(
    @Ctx() context: OperationContext,
    @Arg('id', () => ID, { description: 'The key.' }) id: string,
  ): Promise<ApiKey> {
    requireRole(callerOf(context));
    return this.#keys.revoke(id);
  }
}
