/** One client of the rolling restart. It has its jobs done, wherever the server is by then. */
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'homing';
import type { Work } from './contract.ts';

/** What a client knows at its end: its jobs, those it got an answer to, and how many were in doubt. */
export interface Outcome {
  readonly jobs: readonly string[];
  readonly answers: readonly string[];
  readonly unconfirmed: number;
}

/** Sends jobs, 5 ms apart, until it is enough; resolves when all are done that can be. */
export async function work(name: string, isEnough: () => boolean, createConnection: () => Duplex): Promise<Outcome> {
  const client = createClient<Work>({ createConnection });
  const jobs: string[] = [];
  const answers: string[] = [];
  let unconfirmed = 0;
  client.on('done', (job) => void answers.push(job));
  client.connection.on('gap', (report) => {
    unconfirmed += report.unconfirmed;
    console.log(`${name} moves: ${report.unconfirmed} jobs unconfirmed, ${report.carried} go to the new server`);
  });
  while (!isEnough()) {
    const job = `${name}-${jobs.length + 1}`;
    jobs.push(job);
    client.send('job', job);
    await sleep(5);
  }
  await client.up(); // it may be on the move
  await client.flush();
  await client.close();
  return { jobs, answers, unconfirmed };
}
