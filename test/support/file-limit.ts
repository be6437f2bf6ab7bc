/*
 * Loaded before each test file (`--import`). A test that is timed out disposes of nothing, and what it leaves open keeps
 * its file's process alive for ever: Node's own time-outs end tests, not that. So a file that takes too long fails here,
 * and says what kept it.
 */
const longestMs = Number(process.env.HUB_TEST_FILE_LIMIT_MS ?? 20 * 60_000);

// The runner itself, and the processes that tests start, have no file of tests.
if (process.env.NODE_TEST_CONTEXT !== undefined)
  setTimeout(() => {
    const kept = [...new Set(process.getActiveResourcesInfo())].join(', ');
    const message = `${process.argv[1] ?? 'The file'} took longer than ${longestMs / 1_000} s; it is kept open by: ${kept}.`;
    process.stderr.write(`${message}\n`, () => process.exit(1));
  }, longestMs).unref();
