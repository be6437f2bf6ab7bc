import { badInput, HubError } from '../core/errors.ts';
import type { JsonObject, SyncMode } from '../core/model.ts';
import { shownValue } from '../core/shown-value.ts';
import { JsonSchema } from './json-schema/json-schema.ts';
import type { WorkBudget } from './json-schema/work-meter.ts';
import type { PreparedContent } from './voucher-content.ts';

/** An event type as intake needs it. */
export interface CataloguedType {
  readonly name: string;
  readonly mode: SyncMode;
  /** JSON Schema draft 2020-12 of the business data; null: anything. */
  readonly schema: JsonObject | null;
}

/** A schema's text, and what it was compiled to. An error: a version of the hub took it that could use it; this one can't. */
interface CompiledSchema {
  readonly text: string;
  readonly schema: JsonSchema | HubError;
}

/** The event types. A schema is compiled when it is first used, and stays compiled from one catalogue to the next. */
export class Catalogue {
  readonly #types: ReadonlyMap<string, CataloguedType>;
  readonly #compiled = new Map<string, CompiledSchema>();

  /** @param before whose compiled schemas are used again where they have not changed */
  constructor(types: readonly CataloguedType[], before?: Catalogue) {
    this.#types = new Map(types.map(type => [type.name, type]));
    if (before !== undefined) this.#keepFrom(before);
  }

  /**
   * Has a type's schema judge business data, and keeps what it says with the content. What is of no known type is left
   * for `check`.
   */
  judge(content: PreparedContent, budget: WorkBudget): void {
    const type = this.#types.get(content.input.eventType);
    if (type === undefined) return;
    const schema = this.#schemaOf(type);
    if (!(schema instanceof JsonSchema) || content.verdict?.schema === schema) return;
    content.verdict = { schema, refusal: schema.check(content.input.businessData, type.name, budget) };
  }

  /**
   * @throws HubError BAD_USER_INPUT when the type is unknown or its schema refuses the data, UNAVAILABLE when that is
   * of no use
   */
  check(content: PreparedContent, budget: WorkBudget): CataloguedType {
    const { eventType } = content.input;
    const type = this.#types.get(eventType);
    if (type === undefined) {
      throw badInput(
        'eventType',
        `eventType: ${shownValue(eventType)} is not in the catalogue (${[...this.#types.keys()].slice(0, 20).join(', ')}).`,
      );
    }
    const schema = this.#schemaOf(type);
    if (schema instanceof HubError)
      throw new HubError(
        'UNAVAILABLE',
        `The schema of ${eventType} can't be used; an administrator must replace it (upsertEventType), then send it again.`,
        { cause: schema },
      );
    if (schema === null) return type;
    this.judge(content, budget);
    if (content.verdict?.refusal != null) throw content.verdict.refusal;
    return type;
  }

  #keepFrom(before: Catalogue): void {
    for (const [name, compiled] of before.#compiled) {
      const schema = this.#types.get(name)?.schema;
      if (schema != null && JSON.stringify(schema) === compiled.text) this.#compiled.set(name, compiled);
    }
  }

  #schemaOf({ name, schema }: CataloguedType): JsonSchema | HubError | null {
    if (schema === null) return null;
    const known = this.#compiled.get(name);
    if (known !== undefined) return known.schema;
    const compiled = compiledOrFault(schema);
    this.#compiled.set(name, { text: JSON.stringify(schema), schema: compiled });
    return compiled;
  }
}

function compiledOrFault(schema: JsonObject): JsonSchema | HubError {
  try {
    return new JsonSchema(schema);
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
}
