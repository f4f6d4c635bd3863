/**
 * `npm run bench`: every row, each number with its goal beside it. `npm run bench -- shards` measures those of shards,
 * `core` those without, a name just that row; `--short` tries it. A row that takes minutes is measured when it is named. Ratios come from one run on one machine.
 */
import { type Scale, coreRows, longRows, shardRows } from './rows.ts';
import { type Measured, lineOf, machine, save } from './table.ts';

const rows = { ...coreRows, ...shardRows, ...longRows };
const names: string[] = [];
let scale: Scale = 'full';
for (const argument of process.argv.slice(2)) {
  if (argument === '--short') scale = 'short';
  else if (argument === 'core') names.push(...Object.keys(coreRows));
  else if (argument === 'shards') names.push(...Object.keys(shardRows));
  else if (Object.hasOwn(rows, argument)) names.push(argument);
  else throw new Error(`expected core, shards, --short or one of ${Object.keys(rows).join(', ')}, got ${argument}`);
}
if (names.length === 0) names.push(...Object.keys(coreRows), ...Object.keys(shardRows));

const { node, platform, cores, openFiles } = machine();
console.log(`Node ${node}, ${platform}, ${cores} cores, ${openFiles ?? 'unknown'} open files`);
const results: Record<string, readonly Measured[]> = {};
for (const name of names) {
  const measured = (await rows[name]?.(scale)) ?? [];
  results[name] = measured;
  console.log(`\n${name}`);
  for (const one of measured) console.log(`  ${lineOf(one)}`);
  // After each row: a run that is cut short keeps what it has.
  save(results);
}
