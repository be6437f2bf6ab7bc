import { Arg, Ctx, Mutation, Query, Resolver } from 'type-graphql';
import { requireRole } from '../access/caller.ts';
import { restoreLimits } from '../core/restore-limits.ts';
import type { Restores } from '../monitoring/audit/restores.ts';
import { ListSize } from '../schema/list-size.ts';
import { DatabaseRestore } from '../schema/restore.types.ts';
import { DateTimeScalar } from '../schema/scalars.ts';
import { callerOf, type OperationContext } from './context.ts';

type RestoreRow = Awaited<ReturnType<Restores['note']>>;

/** GraphQL: restored backups and promoted standbys. */
@Resolver(() => DatabaseRestore)
export class RestoreResolver {
  readonly #restores: Restores;

  constructor(restores: Restores) {
    this.#restores = restores;
  }

  @ListSize(restoreLimits.restoresShown)
  @Query(() => [DatabaseRestore], {
    description: 'Each time that the database turned out to be an older one, the latest first.',
  })
  async databaseRestores(@Ctx() context: OperationContext): Promise<DatabaseRestore[]> {
    requireRole(callerOf(context), 'analyst');
    return (await this.#restores.list()).map(toDatabaseRestore);
  }

  @Mutation(() => DatabaseRestore, {
    description:
      'After a restore that the hub can not see (a snapshot of the whole machine): all numbers move on, so that none is given twice, and the alert database_restored fires.',
  })
  async noteDatabaseRestore(
    @Ctx() context: OperationContext,
    @Arg('missingSince', () => DateTimeScalar, {
      nullable: true,
      description: 'When the backup was made; left out: when a hub last saw the database before.',
    })
    missingSince?: Date | null,
  ): Promise<DatabaseRestore> {
    requireRole(callerOf(context));
    return toDatabaseRestore(await this.#restores.note(missingSince ?? null));
  }

  @ListSize(restoreLimits.restoresShown)
  @Mutation(() => [DatabaseRestore], {
    description: 'Says that everything is back: the alert database_restored is over. Gives what it settled.',
  })
  async settleDatabaseRestores(@Ctx() context: OperationContext): Promise<DatabaseRestore[]> {
    requireRole(callerOf(context));
    return (await this.#restores.settle()).map(toDatabaseRestore);
  }
}

function toDatabaseRestore({ noticedAt, seenAt, reason, settledAt }: RestoreRow): DatabaseRestore {
  return {
    noticedAt: new Date(noticedAt),
    missingSince: new Date(seenAt),
    reason,
    settledAt: settledAt === null ? null : new Date(settledAt),
  };
}
