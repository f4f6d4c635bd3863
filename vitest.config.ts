// How the tests run: in worker threads, against the sources through the `homing-source` condition, no build needed.
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// As Node resolves: it knows no condition 'module'.
const conditions = ['homing-source', 'node', 'import', 'default'];
const isBrowser = process.env['TEST_BROWSER'] === '1';
const reportFile = process.env['TEST_REPORT_FILE'];

// Programs that tests start load the same sources again and again: Node keeps them compiled, types stripped.
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(new URL('node_modules/.cache/compiled', import.meta.url));

/** The files that take longest, so that none of them is begun last. A checkout that has not run them does not know it. */
const longest = [
  'property/volume',
  'property/torture',
  'threads/law',
  'conformance',
  'threads/drain',
  'property/shards',
  'property/payload-fuzz',
  'property/sessions',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return at < 0 ? longest.length : at;
    };
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other));
  }
}

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    // Those of the page need a browser, and take their time: `npm run test:browser`.
    include: isBrowser ? ['test/browser/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: isBrowser ? [] : ['test/browser/**'],
    pool: 'threads',
    // Most tests wait for sockets, processes and threads as much as they compute: one more than there are cores. A browser is
    // several processes that compute: one at a time.
    maxWorkers: isBrowser ? 1 : availableParallelism() + 1,
    sequence: { sequencer: LongestFirst },
    execArgv: ['--conditions=homing-source'],
    testTimeout: 60_000,
    // A browser that starts for the first time on a machine takes its time.
    hookTimeout: isBrowser ? 90_000 : 30_000,
    teardownTimeout: 10_000,
    reporters:
      reportFile === undefined || reportFile === '' ? ['default'] : ['default', ['json', { outputFile: reportFile }]],
  },
});
