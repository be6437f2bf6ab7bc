import { Migration } from '@mikro-orm/migrations';

/**
 * Vouchers above the bound can't be in the tree, so folding need not look for them there. A hub of the version before
 * moves the last event on and leaves the bound: it then stands at another event, and counts for nothing.
 */
const bound = `
alter table consistency_fold add column bounded_event_id bigint;
alter table consistency_fold add column voucher_bound bigint;
comment on column consistency_fold.bounded_event_id is 'The event for which voucher_bound holds: it does where this is last_event_id.';
comment on column consistency_fold.voucher_bound is 'No voucher that is folded in has a higher id.';
`;

/** Which vouchers folding need not look up. */
export class Migration0010FoldBound extends Migration {
  override up(): void {
    this.addSql(bound);
  }
}
