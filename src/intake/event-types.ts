import { badInput, HubError } from '../core/errors.ts';
import { limits } from '../core/limits.ts';
import { compensationIsNoChoice, type JsonObject, type SyncMode } from '../core/model.ts';
import type { Database } from '../db/database.ts';
import { EventTypeEntity, type EventTypeRow } from '../db/entities.ts';
import { changeRouting } from '../db/recording/intake-statements.ts';
import { checkNewSchema } from './json-schema/new-schema.ts';

/** The catalogue as administrators keep it. */
export class EventTypes {
  readonly #db: Database;
  readonly #onChange: () => void;

  /** @param onChange is told of each change once it is committed */
  constructor(db: Database, onChange: () => void) {
    this.#db = db;
    this.#onChange = onChange;
  }

  /** All, by name. */
  list(): Promise<EventTypeRow[]> {
    return this.#db.fork().find(EventTypeEntity, {}, { orderBy: { name: 'asc' }, limit: limits.nestedList });
  }

  /** Adds or changes one; holds for every voucher recorded after it. @throws HubError BAD_USER_INPUT, LIMIT_EXCEEDED */
  async upsert(type: {
    name: string;
    description: string | null;
    mode: SyncMode;
    schema: JsonObject | null;
  }): Promise<EventTypeRow> {
    if (!/^[A-Za-z0-9_.:-]{1,100}$/.test(type.name))
      throw badInput('name', 'name: 1 to 100 letters, digits, _ . : or -.');
    if ((type.description?.length ?? 0) > limits.longText)
      throw badInput('description', `description: at most ${limits.longText} characters.`);
    if (type.mode === 'compensation') throw badInput('mode', `mode: ${compensationIsNoChoice}`);
    const schema = type.schema === null ? null : JSON.stringify(type.schema);
    if (type.schema !== null) checkNewSchema(type.schema);
    const { rowCount } = await this.#db.transaction(client =>
      changeRouting(client, 'event_types', () =>
        client.query(
          `insert into event_types (name, description, mode, schema)
           select $1, $2, $3, $4 where exists (select 1 from event_types where name = $1) or (select count(*) from event_types) < $5
           on conflict (name) do update set description = excluded.description, mode = excluded.mode, schema = excluded.schema, updated_at = now()`,
          [type.name, type.description, type.mode, schema, limits.eventTypes],
        ),
      ),
    );
    if (rowCount === 0)
      throw new HubError('LIMIT_EXCEEDED', `There are ${limits.eventTypes} event types, which is the most.`);
    this.#onChange();
    return this.#db.fork().findOneOrFail(EventTypeEntity, { name: type.name });
  }
}
