import { Migration } from '@mikro-orm/migrations';

/**
 * Lets one statement be a whole intake transaction: takes the routing lock (shared, until the transaction ends), then
 * compares. The function is volatile, so that what it reads after the lock is as of then, and not as of the statement's
 * beginning.
 */
const routingHolds = `
create function hub_routing_holds(subscriptions_version bigint, event_types_version bigint) returns boolean
language plpgsql volatile as $$
begin
  perform pg_advisory_xact_lock_shared(4207002);
  return (select version from hub_state where name = 'subscriptions') = subscriptions_version
    and (select version from hub_state where name = 'event_types') = event_types_version;
end $$;
`;

/** The function by which records that are new are written in one statement. */
export class Migration0012RoutingHolds extends Migration {
  override up(): void {
    this.addSql(routingHolds);
  }
}
