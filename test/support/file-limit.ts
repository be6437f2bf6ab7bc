import { after } from 'node:test';

/*
 * Loaded before each test file (`--import`). A test that is timed out disposes of nothing, and what it leaves open keeps
 * its file's process alive for ever: Node's own time-outs end tests, not that. So a file that takes too long fails here,
 * and says what kept it.
 */
const longestMs = Number(process.env.HUB_TEST_FILE_LIMIT_MS ?? 20 * 60_000);

/** Hubs of a file stop after its last test, which takes up to 30 s each. */
const afterTestsMs = Number(process.env.HUB_TEST_AFTER_TESTS_MS ?? 2 * 60_000);

function endIn(ms: number, what: string): void {
  setTimeout(() => {
    const kept = [...new Set(process.getActiveResourcesInfo())].join(', ');
    const message = `${process.argv[1] ?? 'The file'} ${what} ${ms / 1_000} s; it is kept open by: ${kept}.`;
    process.stderr.write(`${message}\n`, () => process.exit(1));
  }, ms).unref();
}

// The runner itself, and the processes that tests start, have no file of tests.
if (process.env.NODE_TEST_CONTEXT !== undefined) {
  endIn(longestMs, 'took longer than');
  after(() => endIn(afterTestsMs, 'did not end after its tests within'));
}
