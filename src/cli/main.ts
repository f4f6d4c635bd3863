/** The command line `homing`: which commands there are, what they take and with which code they end. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import type { ExportFormat } from '../machines/index.ts';
import { type Address, addressOf, portOf } from './address.ts';
import { type BenchOptions, bench } from './bench.ts';
import { type ConformanceOptions, conformance } from './conformance.ts';
import { demo } from './demo.ts';
import { type DoctorOptions, doctor } from './doctor.ts';
import { type MachinesOptions, formatOf, showMachines } from './machines.ts';
import { type FuzzOptions, fuzz } from './fuzz.ts';
import { type InspectOptions, inspect } from './inspect.ts';
import { version } from './manifest.ts';
import { type TopOptions, top } from './top.ts';

/** What a command line ends with when it could not be understood. */
const USAGE_CODE = 2;

/** Runs a command line, the words behind the program's name, and leaves the exit code with the process. */
export function start(words: readonly string[]): void {
  void runCommandLine(words).then((code) => (process.exitCode = code));
}

async function runCommandLine(words: readonly string[]): Promise<number> {
  let code = 0;
  const program = new Command('homing')
    .description('Sessions that find their way home. The library is imported; this is what comes with it.')
    .version(version)
    .enablePositionalOptions()
    .exitOverride();
  program
    .command('doctor')
    .description('check whether this machine can run Homing')
    .option('--port <number>', 'also check whether this port of 127.0.0.1 is free', checkedPort)
    .option('--connect <address>', 'also open a TCP connection to host:port, and close it', checkedAddress)
    .option('--json', 'print one JSON object instead of lines')
    .addHelpText('after', '\nExit code: 0 nothing failed, 1 something did, 2 wrong arguments.')
    .action(async (options: DoctorOptions) => void (code = await doctor(options)));
  program
    .command('demo')
    .description('ship a file over a line that is cut again and again, and compare; demo --help says more')
    .usage('[file] [options]')
    .argument('[arguments...]')
    .helpOption(false)
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (given: readonly string[]) => void (code = await demo(given)));
  program
    .command('conformance')
    .description('try a server that listens against PROTOCOL.md, case by case')
    .requiredOption('--port <number>', 'where the server listens', checkedPort)
    .option('--host <name>', 'on another machine', '127.0.0.1')
    .option('--plain', 'leave out the cases that need the target behavior (docs/conformance.md)')
    .option('--only <ids...>', 'groups by their letter, cases by their id: F R-03')
    .option('--all', 'a line for every case, not only for those that do not pass')
    .option('--jobs <number>', 'cases at a time', checkedCount)
    .option('--patience <factor>', 'multiply every deadline', checkedCount)
    .option('--json', 'print one JSON object instead of lines')
    .option('--junit <file>', 'also write JUnit XML')
    .addHelpText('after', '\nExit code: 0 every MUST holds, 1 one does not, 2 wrong arguments.')
    .action(async (options: ConformanceOptions) => void (code = await conformance(options)));
  program
    .command('machines')
    .description('print the statecharts of connections, sessions and shards, for Stately or a page')
    .argument('[name]', 'which one; without it they are listed')
    .option('--format <format>', 'source, json or mermaid (default: source)', checkedFormat)
    .addHelpText('after', '\nExit code: 0 printed, 2 wrong arguments.')
    .action((name: string | undefined, options: MachinesOptions) => void (code = showMachines(name, options)));
  program
    .command('inspect')
    .description('say what an inspector shows now, and open its page')
    .argument('<url>', 'where the inspector listens: http://127.0.0.1:9230', checkedUrl)
    .option('--open [what]', "open the page in a browser; 'stately': Stately's inspector, fed by this one", true)
    .option('--no-open', 'only say what is there')
    .option('--token <token>', 'what the inspector asks for')
    .addHelpText('after', '\nExit code: 0 it answered, 1 it did not, 2 wrong arguments.')
    .action(async (url: URL, options: InspectOptions) => void (code = await inspect(url, options)));
  program
    .command('top')
    .description('show threads and connections of a process with an inspector, again and again')
    .argument('<url>', 'where the inspector listens: http://127.0.0.1:9230', checkedUrl)
    .option('--json', 'print one snapshot as JSON')
    .option('--every <seconds>', 'between two looks', checkedSeconds, 1)
    .option('--times <number>', 'look so often and end', checkedCount)
    .option('--token <token>', 'what the inspector asks for')
    .addHelpText('after', '\nExit code: 0 it answered, 1 it did not (any more), 2 wrong arguments.')
    .action(async (url: URL, options: TopOptions) => void (code = await top(url, options)));
  program
    .command('fuzz')
    .description('play a simulation of your behavior under faults until a run fails or time is over (docs/testing.md)')
    .argument('<module>', 'a file, .ts or .js, that exports what simulate() made')
    .option('--seconds <number>', 'begin no run after this time (10, unless --runs is given)', checkedSeconds)
    .option('--runs <number>', 'play so many runs', checkedRuns)
    .option('--seed <number>', 'draw the same plans again', checkedSeed)
    .option('--replay <token>', 'play the failure again that printed this token; HOMING_REPLAY does so in tests')
    .option('--real', 'on real sockets through a proxy, for real seconds; with --shards on real threads')
    .option('--shards <number>', 'how many shards the server has', checkedShards)
    .option('--json', 'print one JSON object instead of lines')
    .addHelpText('after', '\nExit code: 0 every run held, 1 one failed, 2 wrong arguments or nothing to play.')
    .action(async (path: string, options: FuzzOptions) => void (code = await fuzz(path, options)));
  program
    .command('bench')
    .description('measure Homing beside other libraries on this machine (docs/benchmarks.md)')
    .argument('[rows...]', 'which rows; without names all, which takes long')
    .option('--quick', 'fewer and shorter rounds, and without names the rows that matter most: two minutes')
    .option('--with <names...>', 'who is measured beside Homing: plain ws socket.io …')
    .option('--json', 'print one JSON object instead of lines')
    .addHelpText('after', '\nProgress goes to stderr. Exit code: 0 measured, 1 a row broke off, 2 wrong arguments.')
    .action(async (rows: readonly string[], options: BenchOptions) => void (code = await bench(rows, options)));
  try {
    await program.parseAsync(words, { from: 'user' });
    return code;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : USAGE_CODE;
  }
}

function checkedPort(text: string): number {
  const port = portOf(text);
  if (port === undefined) throw new InvalidArgumentError('Expected a port from 1 to 65535.');
  return port;
}

function checkedFormat(text: string): ExportFormat {
  const format = formatOf(text);
  if (format === undefined) throw new InvalidArgumentError('Expected source, json or mermaid.');
  return format;
}

function checkedCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 1_000)
    throw new InvalidArgumentError('Expected a number from 1 to 1000.');
  return count;
}

function checkedSeconds(text: string): number {
  const seconds = Number(text);
  if (!/^\d+(?:\.\d+)?$/.test(text) || seconds <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return seconds;
}

const checkedRuns = wholeFrom(1, 1_000_000_000);
const checkedSeed = wholeFrom(0, 0x7fff_ffff);
const checkedShards = wholeFrom(0, 64);

function wholeFrom(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  };
}

function checkedUrl(text: string): URL {
  const url = URL.parse(/^\w+:\/\//u.test(text) ? text : `http://${text}`);
  if (url === null || url.protocol !== 'http:')
    throw new InvalidArgumentError('Expected an address like http://127.0.0.1:9230.');
  return url;
}

function checkedAddress(text: string): Address {
  const address = addressOf(text);
  if (address === undefined)
    throw new InvalidArgumentError('Expected host:port, [v6]:port, or a port of this machine.');
  return address;
}
