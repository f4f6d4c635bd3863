/** What the user may say on the command line, checked; and what the help says about it. */
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** What a run is made with. */
export interface JobOptions {
  readonly file: string;
  readonly seed: number;
  readonly cuts: number;
  readonly seconds: number;
  readonly bytesPerSecond: number;
  readonly sabotage: boolean;
  readonly isPlain: boolean;
  /** Port of the client process's inspector, the server's is the next one; 0: nobody looks. */
  readonly inspectPort: number;
}

/** How the user called the main job: what the help shows, and how to get the help. */
export interface Called {
  readonly usage: string;
  readonly help: string;
}

// Found by the name of the package: this file lies elsewhere once it is built.
const defaultFile = join(dirname(createRequire(import.meta.url).resolve('homing/package.json')), 'PROTOCOL.md');

/** The help, with the command as it was called. */
export const helpOf = ({
  usage,
}: Called): string => `Ships a file line by line through a session whose connections are cut at random bytes, refused, stalled and
half-opened, and compares what arrived with what was there.

  ${usage}

  file           any file; without one, PROTOCOL.md of Homing
  --seed n       what happens to which connection (random)
  --cuts n       cut so many connections (120)
  --seconds n    leave the line alone after this time, whatever was cut by then (18)
  --rate n       while the line is cut, send so many bytes a second (300000)
  --sabotage     let the server forget one line, to see the verdict fail
  --plain        no live view, also in a terminal
  --inspect      look at both processes in a browser and cut connections by hand: goes on until Ctrl+C,
                 or for --seconds (600)
  --inspect-port n
                 port of the client's page, the server's is the next one (9230)
  --help         this

The file is shipped over and over until the cuts have happened; then the pass under way is finished at full speed.
Exit code: 0 every byte arrived once and in order, 1 not so, 2 wrong arguments or no such file, 130 interrupted.
`;

/** More than happen until somebody has seen enough. */
const CUTS_ENDLESS = '1000000';

/** Reads the command line. 'help' when that is asked for; throws an `Error` with a sentence for the user. */
export function optionsOf(args: readonly string[]): JobOptions | 'help' {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      cuts: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string', default: '300000' },
      sabotage: { type: 'boolean', default: false },
      plain: { type: 'boolean', default: false },
      inspect: { type: 'boolean', default: false },
      'inspect-port': { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  if (positionals.length > 1)
    throw new Error(`expected one file, got ${positionals.length}: ${positionals.join(', ')}`);
  const isInspected = values.inspect || values['inspect-port'] !== undefined;
  return {
    file: positionals[0] === undefined ? defaultFile : resolve(userFolder(), positionals[0]),
    seed: values.seed === undefined ? Math.floor(Math.random() * 1_000_000) : whole('seed', values.seed, 0),
    cuts: whole('cuts', values.cuts ?? (isInspected ? CUTS_ENDLESS : '120'), 0),
    seconds: whole('seconds', values.seconds ?? (isInspected ? '600' : '18'), 1),
    bytesPerSecond: whole('rate', values.rate, 1_000),
    sabotage: values.sabotage,
    isPlain: values.plain,
    inspectPort: isInspected ? whole('inspect-port', values['inspect-port'] ?? '9230', 1) : 0,
  };
}

/** Where the user is: npm runs its scripts in the folder of the package and says where it was called. */
function userFolder(): string {
  const { npm_lifecycle_event: script, INIT_CWD: folder } = process.env;
  return script === 'start' && folder !== undefined ? folder : process.cwd();
}

function whole(name: string, text: string, min: number): number {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= min && number <= 1_000_000_000) return number;
  throw new Error(`expected --${name} to be a whole number from ${min}, got '${text}'`);
}
