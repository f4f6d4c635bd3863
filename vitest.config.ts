// How the tests run: in worker threads, against the sources through the `homing-source` condition, no build needed.
import { defineConfig } from 'vitest/config';

const conditions = ['homing-source', 'node', 'import', 'module', 'default'];
const reportFile = process.env['TEST_REPORT_FILE'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'threads',
    // Most tests wait for sockets and threads as much as they compute.
    maxWorkers: '100%',
    execArgv: ['--conditions=homing-source'],
    testTimeout: 60_000,
    hookTimeout: 30_000,
    teardownTimeout: 10_000,
    reporters: reportFile === undefined ? ['default'] : ['default', ['json', { outputFile: reportFile }]],
  },
});
