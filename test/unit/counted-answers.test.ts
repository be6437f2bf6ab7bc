import assert from 'node:assert/strict';
import { test } from 'node:test';
import { buildSchema, execute, parse } from 'graphql';
import { limits } from '../../src/core/limits.ts';
import { OperationBudget } from '../../src/resolvers/operation-budget.ts';
import { countAnswers } from '../../src/server/graphql/counted-answers.ts';

test('thousands of fields that are refused in one answer are told of by one error, whatever asks for more', async () => {
  const schema = countAnswers(buildSchema('type Item { text: String! } type Query { items: [Item] }'));
  const text = 'x'.repeat(Math.ceil(limits.answerChars / 10));
  for (const textOf of [() => text, () => Promise.resolve(text)]) {
    const result = await execute({
      schema,
      document: parse('{ items { text } }'),
      rootValue: { items: Array.from({ length: 2_000 }, () => ({ text: textOf })) },
      contextValue: { budget: new OperationBudget() },
    });
    const errors = result.errors ?? [];
    assert.ok(errors.length > 1_900, `${errors.length} items are refused`);
    assert.equal(new Set(errors).size, 1, 'an error with a stack for each would hold up the process');
    assert.deepEqual(errors[0]?.path, ['items', 9, 'text']);
  }
});
