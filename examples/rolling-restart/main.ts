/**
 * Replaces a server process by another while clients are at work, then counts. With the argument `force` the old server
 * gets a second SIGTERM soon after the first: what that cuts off is counted in the gap reports.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { audit } from './audit.ts';
import { work } from './client.ts';
import type { News } from './contract.ts';

const done: string[] = [];
let currentPort = 0;
let isEnough = false;

/** Starts a server process; from then on new connections go to it. */
async function startServer(): Promise<ChildProcess> {
  const server = fork(new URL('./server.ts', import.meta.url));
  const [news] = (await once(server, 'message')) as [News];
  if ('port' in news) currentPort = news.port;
  server.on('message', (later: News) => 'done' in later && done.push(...later.done));
  console.log(`server ${server.pid ?? 0} listens at ${currentPort}; new connections go there`);
  return server;
}

/** Asks a server process to finish; resolves when it has ended. */
async function finish(server: ChildProcess, isForced: boolean): Promise<void> {
  server.kill('SIGTERM');
  if (isForced) await sleep(30).then(() => server.kill('SIGTERM'));
  await once(server, 'close');
}

const first = await startServer();
const dial = (): ReturnType<typeof connect> => connect(currentPort, '127.0.0.1');
const clients = Promise.all(['ada', 'ben', 'cyd'].map((name) => work(name, () => isEnough, dial)));
await sleep(250);
const second = await startServer();
await finish(first, process.argv[2] === 'force');
await sleep(250);
isEnough = true;
const outcomes = await clients;
await finish(second, false);
process.exitCode = audit(outcomes, done) ? 0 : 1;
