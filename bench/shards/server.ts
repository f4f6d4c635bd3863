/**
 * The server of every row of shards, a process of its own: runs a behavior of this folder, says its port, answers orders.
 * Arguments: the name of the behavior, options as JSON.
 */
import { type Contract, type Server, type ServerOptions, createServer } from 'homing';
import { openInspector } from 'homing/inspect';
import { type Inner, type Weight, tellShards, weigh } from './within.ts';

/** How the server of a row is made. */
export interface ServerPlan {
  readonly options: ServerOptions & { readonly shards: number };
  /** With an inspector. */
  readonly isInspected?: boolean;
}

/** What may be asked. */
export type ServerOrder = 'counts' | 'memory' | 'cpu' | Inner;

/** Where it listens: clients of the first port learn the direct one of their home, those of the second never do. */
export interface Opened {
  readonly port: number;
  readonly relayPort: number;
  /** Of the inspector, if there is one. */
  readonly inspectorUrl: string | undefined;
}

/** What the whole process holds, and each of its threads, the main one first. */
export interface Memory {
  readonly rss: number;
  readonly threads: readonly Weight[];
}

const [name = '', json = '{}'] = process.argv.slice(2);
const plan = JSON.parse(json) as ServerPlan;
const inspector = plan.isInspected === true ? await openInspector({ port: 0 }) : undefined;
const options = { ...plan.options, inspect: inspector };
const module = new URL(`./${name}.behavior.ts`, import.meta.url);
const server = await make();
const { port } = await server.listen(0);
const { port: relayPort } = await server.listen({ port: 0, direct: false });
say({ port, relayPort, inspectorUrl: inspector?.url } satisfies Opened);
process.on('message', (order: ServerOrder) => void answer(order));
process.on('disconnect', () => void leave());

async function make(): Promise<Server<Contract>> {
  if (options.shards > 0) return createServer<Contract>(module, options);
  const { default: behavior } = (await import(module.href)) as {
    readonly default: Parameters<typeof createServer<Contract>>[0];
  };
  return createServer<Contract>(behavior, options);
}

async function answer(order: ServerOrder): Promise<void> {
  if (order === 'counts') say(server.counts);
  else if (order === 'cpu') say(cpuMs());
  else if (order === 'memory') say(await memory());
  else say(await tellShards(order, options.shards));
}

async function memory(): Promise<Memory> {
  const answers = await tellShards('weigh', options.shards);
  const threads = [weigh(), ...answers.map(({ value }) => value as Weight)];
  return { rss: process.memoryUsage.rss(), threads };
}

/** Processor time of this process and all its threads. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** Well, so that the threads can leave their profiles. */
async function leave(): Promise<void> {
  await server.close({ drainMs: 0 });
  process.exit();
}

function say(what: object | number): void {
  process.send?.(what);
}
