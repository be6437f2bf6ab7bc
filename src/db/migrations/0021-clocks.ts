import { Migration } from '@mikro-orm/migrations';

const up = `
-- Processes whose clock is not the database's. One that keeps time has no row.
create table hub_clocks (
  node uuid primary key,
  host text not null,
  ahead_ms double precision not null,
  measured_at timestamptz not null default clock_timestamp()
);
`;

/** Whose clock is off, and by how much. */
export class Migration0021Clocks extends Migration {
  override up(): void {
    this.addSql(up);
  }
}
