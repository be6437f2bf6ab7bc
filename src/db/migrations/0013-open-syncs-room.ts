import { Migration } from '@mikro-orm/migrations';

/**
 * A claim makes a sync's row longer by a third. A page that is claimed whole must have room for all of its rows again:
 * with half of it left, a fifth of them went to another page, and into four indexes anew.
 */
export class Migration0013OpenSyncsRoom extends Migration {
  override up(): void {
    this.addSql('alter table fin_open_syncs set (fillfactor = 40)');
  }
}
