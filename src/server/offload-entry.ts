/**
 * What runs in the threads that behaviors hand work to: loads the behavior's module once, finds the named task and runs
 * it. Failures are told as plain values: an error of the user's own class would lose its name and code between threads.
 */
import { inspect } from 'node:util';
import { loadBehavior, markShardThread } from './load.ts';

/** One task to run. */
export interface OffloadInput {
  /** URL of the module whose default export is the behavior. */
  readonly module: string;
  /** An own key of the behavior's `tasks`. */
  readonly task: string;
  readonly value: unknown;
}

/** What is kept of what a task threw. */
export interface TaskFault {
  readonly name: string;
  readonly message: string;
  readonly code: string | number | undefined;
  readonly stack: string | undefined;
}

/** What became of it. */
export type OffloadReply =
  | { readonly type: 'done'; readonly value: unknown }
  | { readonly type: 'failed'; readonly error: TaskFault }
  /** The behavior has other tasks, or none. */
  | { readonly type: 'unknown'; readonly names: readonly string[] }
  /** The result is nothing that structured clone takes. */
  | { readonly type: 'uncloneable'; readonly message: string };

type Tasks = Readonly<Record<string, (value: unknown) => unknown>>;

const modules = new Map<string, Promise<Tasks>>();

/** Runs one task; never rejects. */
// oxlint-disable-next-line import/no-default-export -- Piscina calls the default export of its module
export default async function runTask({ module, task, value }: OffloadInput): Promise<OffloadReply> {
  let result: unknown;
  try {
    const tasks = await tasksOf(module);
    const run = Object.hasOwn(tasks, task) ? tasks[task] : undefined;
    if (typeof run !== 'function') return { type: 'unknown', names: Object.keys(tasks) };
    result = await run(value);
  } catch (error) {
    return { type: 'failed', error: faultOf(error) };
  }
  try {
    // Found out only when the reply is posted, it would end the thread.
    structuredClone(result);
  } catch (error) {
    return { type: 'uncloneable', message: faultOf(error).message };
  }
  return { type: 'done', value: result };
}

function tasksOf(module: string): Promise<Tasks> {
  const known = modules.get(module);
  if (known !== undefined) return known;
  const loading = load(module);
  modules.set(module, loading);
  return loading;
}

async function load(module: string): Promise<Tasks> {
  // A module that makes its server beside its behavior would make another one here.
  markShardThread();
  const { tasks = {} } = await loadBehavior(module);
  return tasks as Tasks;
}

function faultOf(error: unknown): TaskFault {
  if (!(error instanceof Error)) {
    return { name: 'Error', message: `threw ${inspect(error)}`, code: undefined, stack: undefined };
  }
  const { code } = error as { readonly code?: unknown };
  return {
    name: String(error.name),
    message: String(error.message),
    code: typeof code === 'string' || typeof code === 'number' ? code : undefined,
    stack: typeof error.stack === 'string' ? error.stack : undefined,
  };
}
