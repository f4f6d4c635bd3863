/**
 * Two servers in one process, one of them with an inspector: they run the very same code on the same heap. Answers anything with
 * the processor time that the process has taken, in microseconds.
 */
import { createServer } from 'homing';
import { openInspector } from 'homing/inspect';
import type { Watched } from './contract.ts';

/** Where they are. */
export interface Opened {
  readonly bare: number;
  readonly inspected: number;
  readonly inspectorUrl: string;
}

const inspector = await openInspector({ port: 0 });
const bare = await open(undefined);
const inspected = await open(inspector);
process.on('disconnect', () => process.exit());
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.({ bare, inspected, inspectorUrl: inspector.url } satisfies Opened);

async function open(inspect: typeof inspector | undefined): Promise<number> {
  const server = createServer<Watched>(
    (session) => {
      let count = 0;
      session.on('read', () => void (count += 1));
      session.expose({ count: () => count, add: (left, right) => left + right });
    },
    { inspect },
  );
  return (await server.listen(0)).port;
}
