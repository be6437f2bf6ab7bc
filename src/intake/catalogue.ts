import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { badInput, messageOf } from '../core/errors.ts';
import type { JsonObject, SyncMode } from '../core/model.ts';

/** An event type as intake needs it. */
export interface CataloguedType {
  readonly name: string;
  readonly mode: SyncMode;
  /** JSON Schema draft 2020-12 of the business data; null: anything. */
  readonly schema: JsonObject | null;
}

interface CompiledType extends CataloguedType {
  readonly validate: ValidateFunction | null;
}

/** The event types, their schemas compiled. */
export class Catalogue {
  readonly #types: ReadonlyMap<string, CompiledType>;

  constructor(types: readonly CataloguedType[]) {
    this.#types = new Map(
      types.map(type => [
        type.name,
        { ...type, validate: type.schema === null ? null : compileSchema(type.schema) },
      ]),
    );
  }

  /** @throws HubError BAD_USER_INPUT when the type is unknown or its schema refuses the data */
  check(eventType: string, businessData: JsonObject): CataloguedType {
    const type = this.#types.get(eventType);
    if (type === undefined) {
      throw badInput(
        'eventType',
        `eventType: ${eventType} is not in the catalogue (${[...this.#types.keys()].slice(0, 20).join(', ')}).`,
      );
    }
    if (type.validate !== null && !type.validate(businessData)) {
      const fault = type.validate.errors?.[0];
      const path = `businessData${(fault?.instancePath ?? '').replaceAll('/', '.')}`;
      throw badInput(
        path,
        `${path}: ${fault?.message ?? 'does not satisfy the schema'} (the schema of ${eventType}).`,
      );
    }
    return type;
  }
}

/** @throws HubError BAD_USER_INPUT when it is not a schema that can be compiled */
export function compileSchema(schema: JsonObject): ValidateFunction {
  // Such a schema answers with a promise, which would count as true.
  if (schema.$async !== undefined)
    throw badInput('schema', 'schema: $async is not of JSON Schema; leave it out.');
  try {
    // One instance a schema: two types may use the same $id.
    return new Ajv2020({ strict: false, allErrors: false, validateFormats: false }).compile(schema);
  } catch (error) {
    throw badInput('schema', `schema: not a JSON Schema that can be used: ${messageOf(error).slice(0, 300)}`);
  }
}
