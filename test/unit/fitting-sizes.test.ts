import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { systemClock } from '../../src/core/clock.ts';
import { FittingSizes } from '../../src/delivery/drain/fitting-sizes.ts';

const settings = { id: '1', webhookUrl: 'http://localhost/hook', batchMaxBytes: 1_048_576 };

test('what is learned of the size that fits is never less than a third of it, however the halves are refused', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 100, max: 1_000_000 }),
      fc.integer({ min: 100, max: 1_000_000 }),
      (fits, whole) => {
        const sizes = new FittingSizes(systemClock);
        // Splits as a drain does: each part that is too large is halved, and each of its halves is sent.
        const parts = [whole];
        for (let part = parts.pop(); part !== undefined; part = parts.pop()) {
          if (part <= fits) continue;
          sizes.refused(settings, part);
          parts.push(Math.ceil(part / 2), Math.floor(part / 2));
        }
        if (whole > fits) assert.ok(sizes.of(settings) >= fits / 3, `${sizes.of(settings)} of ${fits}`);
        else assert.equal(sizes.of(settings), settings.batchMaxBytes);
      },
    ),
  );
});
