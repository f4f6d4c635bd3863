/** A worker, one job after another. Kill it, suspend it, start more of them. Arguments: a name, the port (4653), ms of a job (300). */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'homing';
import type { Jobs } from './contract.ts';

const [name = `worker ${process.pid}`, port = '4653', jobMs = '300'] = process.argv.slice(2);
const client = createClient<Jobs>(port, { credentials: { name } });
client.on('job', async (number, job) => {
  const { epoch } = client.turn;
  console.log(`${name} begins ${job}`);
  await sleep(Number(jobMs));
  console.log(`${name} has done ${job}`);
  if (client.epoch === epoch) client.send('done', number); // then the boss gives the next ticket
});
client.connection.on('up', ({ resumed }) => {
  console.log(resumed ? 'the same session goes on' : 'ready for work');
  if (!resumed) client.store.set('role', 'worker'); // a new session has an empty store
});
client.connection.on('down', ({ code }) => console.log(`the line is lost (${code})`));
client.connection.on('gap', (report) => {
  console.log('the boss knows nothing of me any more');
  report.discard(); // nor of the jobs that I have done
});
process.once('SIGTERM', () => {
  client.store.delete('role'); // the next job is not for this worker
  void client.close(); // finishes the one that it has
});
