import { Field, ID, ObjectType } from 'type-graphql';
import type { Role } from '../core/model.ts';
import { RoleEnum } from './enums.ts';
import { DateTimeScalar } from './scalars.ts';

/** GraphQL: an API key, without its secret. */
@ObjectType()
export class ApiKey {
  @Field(() => ID) id!: string;
  @Field(() => String) name!: string;
  @Field(() => RoleEnum) role!: Role;
  @Field(() => String, { nullable: true }) system?: string | null;
  @Field(() => DateTimeScalar) createdAt!: Date;
  @Field(() => DateTimeScalar, { nullable: true }) lastUsedAt?: Date | null;
  @Field(() => DateTimeScalar, { nullable: true }) revokedAt?: Date | null;
}

/** GraphQL: a key that was just made. */
@ObjectType()
export class ApiKeyWithSecret {
  @Field(() => ApiKey) apiKey!: ApiKey;
  @Field(() => String, { description: 'Shown this once.' }) secret!: string;
}
