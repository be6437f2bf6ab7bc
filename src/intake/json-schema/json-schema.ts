import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { badInput, HubError, messageOf } from '../../core/errors.ts';
import { limits } from '../../core/limits.ts';
import type { JsonObject } from '../../core/model.ts';
import { createMeteredAjv } from './metered-ajv.ts';
import { type WorkBudget, WorkExceededError, WorkMeter } from './work-meter.ts';

/** Knows what a schema is; compiled once, when the first schema is looked at. */
const metaschema = new Ajv2020({ strict: false, logger: false, validateFormats: false });

/** A JSON Schema (draft 2020-12) of business data. Whatever it says, a check ends within a bound of steps. */
export class JsonSchema {
  readonly #validate: ValidateFunction;
  readonly #meter = new WorkMeter();

  /** @throws HubError BAD_USER_INPUT when it is not a schema that can be compiled */
  constructor(schema: JsonObject) {
    // Such a schema answers with a promise, which would count as true.
    if (schema.$async !== undefined)
      throw badInput('schema', 'schema: $async is not of JSON Schema; leave it out.');
    try {
      if (metaschema.validateSchema(schema) !== true)
        throw new Error(`schema is invalid: ${metaschema.errorsText(metaschema.errors)}`);
      // One instance a schema: two types may use the same $id.
      this.#validate = createMeteredAjv(schema, this.#meter).compile(schema);
    } catch (error) {
      const fault = messageOf(error).slice(0, 300);
      throw badInput('schema', `schema: not a JSON Schema that can be used: ${fault}`);
    }
  }

  /**
   * Checks business data, and takes the work off the budget.
   * @param eventType whose schema it is, for the message
   * @returns why it is refused; null: it fits
   */
  check(data: JsonObject, eventType: string, budget: WorkBudget): HubError | null {
    try {
      return this.run(data, budget) ? null : this.#refusal(eventType);
    } catch (error) {
      if (!(error instanceof WorkExceededError)) throw error;
      const message =
        budget.left > 0
          ? `businessData: the schema of ${eventType} needs more than ${limits.schemaSteps} steps to check it. Send less data, or have the schema simplified.`
          : `businessData: the schemas of this call's vouchers need more than ${limits.schemaCallSteps} steps together. Send fewer vouchers at once.`;
      return new HubError('LIMIT_EXCEEDED', message, { field: 'businessData' });
    }
  }

  /** Tells whether data fits. @throws WorkExceededError */
  run(data: JsonObject, budget: WorkBudget): boolean {
    return this.#meter.run(budget, limits.schemaSteps, () => this.#validate(data));
  }

  #refusal(eventType: string): HubError {
    const fault = this.#validate.errors?.[0];
    const path = `businessData${(fault?.instancePath ?? '').replaceAll('/', '.')}`;
    const what = fault?.message ?? 'does not satisfy the schema';
    return badInput(path, `${path}: ${what} (the schema of ${eventType}).`);
  }
}
