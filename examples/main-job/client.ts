/** The client process: a runtime without listeners, which dials from a shard. Arguments: port, file, bytes a second, port of an inspector. */
import { createServer } from 'homing';
import { inspectorAt } from './inspected.ts';
import { backoff, handshakeMs, heartbeat, obey, report } from './reports.ts';
import shipping from './shipping.ts';

const [port = '', file = '', bytesPerSecond = '', inspectPort] = process.argv.slice(2);
// Shards get a copy of the environment.
Object.assign(process.env, { MAIN_JOB_FILE: file, MAIN_JOB_RATE: bytesPerSecond });
const inspect = await inspectorAt(inspectPort);
const runtime = createServer(shipping, { shards: 1, heartbeat, backoff, handshakeMs, inspect });
obey(
  () => {},
  ({ type }) => {
    // The process itself ends with the conductor.
    if (type === 'done') void runtime.close();
  },
);
runtime.on('gap', () => report({ type: 'lost', sentence: 'history was lost' }));
runtime.on('end', (_, { code }) => {
  if (code !== 'closed') report({ type: 'lost', sentence: `the session ended: ${code}` });
});
await runtime.dial(Number(port));
