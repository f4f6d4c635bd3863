/** `homing machines`: which statecharts Homing runs, and each of them as text for other tools. */
import { type ExportFormat, exportFormats, exportMachine, machines } from '../machines/index.ts';

/** What a command line ends with when it could not be understood. */
const USAGE_CODE = 2;

/** What may be asked beyond the name. */
export interface MachinesOptions {
  readonly format?: ExportFormat;
}

/** The format of this name, or undefined. */
export function formatOf(text: string): ExportFormat | undefined {
  return exportFormats.find((format) => format === text);
}

/** Prints the machine of this name, or a line for each that there is. Returns the exit code: 2 for a name that there is not. */
export function showMachines(name: string | undefined, { format }: MachinesOptions): number {
  if (name === undefined) return format === undefined ? list() : refuse('a format needs the name of a machine');
  const found = Object.entries(machines).find(([each]) => each === name)?.[1];
  if (found === undefined) return refuse(`no machine is called '${name}'`);
  const { machine, input } = found;
  const options = { format: format ?? 'source', ...(input === undefined ? {} : { input }) };
  process.stdout.write(exportMachine(machine, options));
  return 0;
}

function list(): number {
  for (const [name, { about }] of Object.entries(machines)) process.stdout.write(`${name.padEnd(9)}  ${about}\n`);
  return 0;
}

function refuse(why: string): number {
  process.stderr.write(`error: ${why}; there are ${Object.keys(machines).join(', ')}\n`);
  return USAGE_CODE;
}
