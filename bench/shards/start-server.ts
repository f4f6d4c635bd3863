/** Starts the server of a row. */
import type { ShardCounts } from 'homing';
import { Program } from '../program.ts';
import type { Memory, Opened, ServerPlan } from './server.ts';
import type { Inner, InnerAnswer } from './within.ts';

/** A running server. */
export interface BenchServer extends AsyncDisposable, Opened {
  counts(): Promise<ShardCounts>;
  memory(): Promise<Memory>;
  /** Processor time so far, in milliseconds. */
  cpuMs(): Promise<number>;
  /** Tells every shard; what each of them answers. */
  tell(order: Inner): Promise<readonly InnerAnswer[]>;
}

/** Starts a behavior of this folder in a process of its own; resolves when it listens. */
export async function startServer(behavior: string, plan: ServerPlan): Promise<BenchServer> {
  const program = new Program(new URL('./server.ts', import.meta.url), [behavior, JSON.stringify(plan)]);
  const opened = await program.next<Opened>();
  return {
    ...opened,
    counts: () => program.ask<ShardCounts>('counts'),
    memory: () => program.ask<Memory>('memory'),
    cpuMs: () => program.ask<number>('cpu'),
    tell: (order) => program.ask<readonly InnerAnswer[]>(order),
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}
