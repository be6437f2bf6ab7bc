import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { RE2JS } from 're2js';
import { badInput, HubError, messageOf } from '../core/errors.ts';
import type { JsonObject, SyncMode } from '../core/model.ts';

/** An event type as intake needs it. */
export interface CataloguedType {
  readonly name: string;
  readonly mode: SyncMode;
  /** JSON Schema draft 2020-12 of the business data; null: anything. */
  readonly schema: JsonObject | null;
}

interface CompiledType extends CataloguedType {
  /** An error: the schema was taken by a version of the hub that could use it, and this one can't. */
  readonly validate: ValidateFunction | null | HubError;
}

/** How patterns are matched: in a time that grows with the text, whatever the pattern (JavaScript's own may take for ever). */
const linear = Object.assign((pattern: string) => RE2JS.compile(pattern), { code: 'unused' });

/** The event types, their schemas compiled. */
export class Catalogue {
  readonly #types: ReadonlyMap<string, CompiledType>;

  constructor(types: readonly CataloguedType[]) {
    this.#types = new Map(
      types.map(type => [
        type.name,
        { ...type, validate: type.schema === null ? null : compiledOrFault(type.schema) },
      ]),
    );
  }

  /** @throws HubError BAD_USER_INPUT when the type is unknown or its schema refuses the data, UNAVAILABLE when that is of no use */
  check(eventType: string, businessData: JsonObject): CataloguedType {
    const type = this.#types.get(eventType);
    if (type === undefined) {
      throw badInput(
        'eventType',
        `eventType: ${eventType} is not in the catalogue (${[...this.#types.keys()].slice(0, 20).join(', ')}).`,
      );
    }
    if (type.validate instanceof HubError)
      throw new HubError(
        'UNAVAILABLE',
        `The schema of ${eventType} can't be used; an administrator must replace it (upsertEventType), then send it again.`,
        { cause: type.validate },
      );
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

function compiledOrFault(schema: JsonObject): ValidateFunction | HubError {
  try {
    return compileSchema(schema);
  } catch (error) {
    if (error instanceof HubError) return error;
    throw error;
  }
}

/** @throws HubError BAD_USER_INPUT when it is not a schema that can be compiled */
export function compileSchema(schema: JsonObject): ValidateFunction {
  // Such a schema answers with a promise, which would count as true.
  if (schema.$async !== undefined)
    throw badInput('schema', 'schema: $async is not of JSON Schema; leave it out.');
  try {
    // One instance a schema: two types may use the same $id.
    return new Ajv2020({
      strict: false,
      allErrors: false,
      validateFormats: false,
      code: { regExp: linear },
    }).compile(schema);
  } catch (error) {
    throw badInput('schema', `schema: not a JSON Schema that can be used: ${messageOf(error).slice(0, 300)}`);
  }
}
