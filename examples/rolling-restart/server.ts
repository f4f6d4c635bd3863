/**
 * One server process: does jobs. SIGTERM lets every client finish, a second one ends everything at once. When nothing is
 * left to do, it tells its parent which jobs it has done.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createServer } from 'homing';
import type { News, Work } from './contract.ts';

const tell = (news: News): void => void process.send?.(news);
const done: string[] = [];
const server = createServer<Work>((session) => {
  session.on('job', async (job) => {
    await sleep(10);
    done.push(job);
    session.send('done', job);
  });
});
server.on('error', ({ message }) => console.log(`server ${process.pid}: ${message}`));
process.on('SIGTERM', () => {
  console.log(`server ${process.pid}: SIGTERM after ${done.length} jobs`);
  void server.close({ drainMs: 10_000 }); // called a second time it ends everything now
});
process.once('beforeExit', () => {
  console.log(`server ${process.pid}: nothing left to do, ${done.length} jobs done`);
  tell({ done });
});
process.once('disconnect', () => process.exit()); // the parent is gone
process.channel?.unref();

const { port } = await server.listen(0);
tell({ port });
