/** Headquarters as the main program has it: another process that takes orders and answers each with what it has. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { News } from './contract.ts';

export interface Headquarters {
  readonly port: number;
  tell(order: 'count' | 'cut' | 'finish'): Promise<News>;
  end(): void;
}

/** Starts it; it asks each agent once in so many milliseconds. */
export async function startHeadquarters(intervalMs: number): Promise<Headquarters> {
  const child = fork(new URL('./server.ts', import.meta.url), [String(intervalMs)]);
  child.once('exit', (code) => {
    if (code !== 0) throw new Error(`headquarters ended early, code ${code ?? 'unknown'}`);
  });
  const [{ port }] = (await once(child, 'message')) as [News];
  return {
    port,
    async tell(order) {
      child.send(order);
      const [news] = (await once(child, 'message')) as [News];
      return news;
    },
    end: () => child.disconnect(),
  };
}
