/**
 * `npm run bench`: every row, each number with its goal beside it. `-- peers` compares with other libraries, `-- core` and
 * `-- shards` are about Homing alone, a name is just that row, `-- quick` tries those that matter most. docs/benchmarks.md.
 */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runBench } from './command.ts';
import { coreRows, longRows, shardRows } from './rows.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean' }, json: { type: 'boolean' }, with: { type: 'string' } },
});
process.exitCode = await runBench(
  {
    rows: positionals.filter((word) => word !== 'quick'),
    isQuick: values.quick === true || positionals.includes('quick'),
    isJson: values.json === true,
    contestants: values.with?.split(','),
  },
  {
    groups: { core: coreRows, shards: shardRows },
    long: longRows,
    results: fileURLToPath(new URL('./results/', import.meta.url)),
  },
);
