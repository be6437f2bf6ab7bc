import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import { requireRole } from '../access/caller.ts';
import { checkId } from '../db/reading/filters.ts';
import type { Audit } from '../monitoring/audit/audit.ts';
import { AuditSeal, AuditVerification } from '../schema/audit.types.ts';
import { DateTimeScalar } from '../schema/scalars.ts';
import { callerOf, type OperationContext } from './context.ts';

/** GraphQL: whether the log is as it was written. */
@Resolver(() => AuditVerification)
export class AuditResolver {
  readonly #audit: Audit;

  constructor(audit: Audit) {
    this.#audit = audit;
  }

  @Query(() => AuditSeal, {
    nullable: true,
    description:
      'A seal as it stands now, to compare with what was noted elsewhere; null: there is none of this number.',
  })
  auditSeal(
    @Ctx() context: OperationContext,
    @Arg('subscriptionId', () => ID, { description: 'The subscription whose attempts it seals.' })
    subscriptionId: string,
    @Arg('number', () => ID, { description: "The seal's number within its subscription." }) number: string,
  ): Promise<AuditSeal | null> {
    requireRole(callerOf(context), 'analyst');
    return this.#audit.sealOf(checkId('subscriptionId', subscriptionId), checkId('number', number));
  }

  @Query(() => AuditVerification, {
    description: 'Compares attempts with their seals, a page at a time, up to the first break.',
  })
  auditVerification(
    @Ctx() context: OperationContext,
    @Arg('subscriptionId', () => ID, {
      nullable: true,
      description: 'Only attempts of this subscription; null: of all.',
    })
    subscriptionId?: string | null,
    @Arg('from', () => DateTimeScalar, { nullable: true, description: 'Sealed since.' }) from?: Date | null,
    @Arg('to', () => DateTimeScalar, { nullable: true, description: 'Sealed until.' }) to?: Date | null,
    @Arg('after', () => String, {
      nullable: true,
      description: 'Where the page before ended; null: from the start.',
    })
    after?: string | null,
  ): Promise<AuditVerification> {
    requireRole(callerOf(context), 'analyst');
    const range = {
      subscriptionId: subscriptionId == null ? null : checkId('subscriptionId', subscriptionId),
      from: from ?? null,
      to: to ?? null,
    };
    return this.#audit.verify(range, after == null ? null : checkId('after', after));
  }
}
