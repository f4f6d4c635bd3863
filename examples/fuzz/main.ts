/**
 * Lets connections break and processes die under two servers of a shop, hundreds of times, on virtual time. The careless one is
 * found out, with the smallest story that does it; its token plays that story again. Arguments: runs (500), a seed.
 */
import { SimulationFailed, check, replay } from 'homing/testing';
import { careful, careless } from './shop.ts';
import { customersOf } from './simulation.ts';

const [runs = '500', seed = '7'] = process.argv.slice(2);
const options = { runs: Number(runs), seed: Number(seed), saveTo: false } as const;

const broken = await failureOf(check(customersOf(careless), options));
console.log(broken === undefined ? 'the careless shop got away with it' : broken.message);
if (broken !== undefined) {
  const again = await failureOf(replay(customersOf(careless), broken.token));
  console.log(`\nplayed again by its token: ${again?.verdict.line}`);
  const report = await replay(customersOf(careful), broken.token);
  console.log(`the careful shop, in the same story: ${report.messages} messages were handled, and all is well`);
}
const report = await check(customersOf(careful), options);
console.log(`the careful shop, in ${report.runs} stories with ${report.disconnects} lost connections: all is well`);

async function failureOf(playing: Promise<unknown>): Promise<SimulationFailed | undefined> {
  try {
    await playing;
    return undefined;
  } catch (error) {
    if (error instanceof SimulationFailed) return error;
    throw error;
  }
}
