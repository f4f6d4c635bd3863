/** A program that shows when a process with threads ends by itself: one line for each thing that came before. */
import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import { openShardPool } from '../../../src/actors/pool.ts';
import { openTaskPool } from '../../../src/actors/task-pool.ts';
import type { EndOrder } from './ends.ts';
import type { WorkOrder } from './works.ts';

const shards = openShardPool({ entry: new URL('./ends.ts', import.meta.url), threads: 1 });
const tasks = openTaskPool({ entry: new URL('./works.ts', import.meta.url), threads: 1, queueMax: 1 });
const stay: EndOrder = { way: 'stay' };
const leave: EndOrder = { way: 'exit-in-timer', code: 7 };
const echo: WorkOrder = { type: 'echo' };

switch (process.argv[2] ?? '') {
  case 'idle':
    await tasks.run(echo);
    break;
  case 'closed':
    await tasks.run(echo);
    shards.start(stay).ref(false);
    await Promise.all([tasks.close(), shards.close()]);
    console.log('both are closed');
    break;
  case 'unreferenced':
    shards.start(stay).ref(false);
    break;
  case 'referenced': {
    const { port1, port2 } = new MessageChannel();
    const thread = shards.start({ ...leave, port: port1 }, [port1]);
    await once(port2, 'message');
    port2.close();
    thread.ref(false);
    thread.ref(true);
    void thread.exited.then((error) => console.log(error?.message));
  }
}
process.on('exit', () => console.log('the process ends'));
