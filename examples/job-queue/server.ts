/**
 * The boss. Jobs and free workers draw numbers, as in a bakery: a job goes to the worker with the same number, and is held
 * while nobody has it. Each job is done once, or reported. Arguments: the port (4653), jobs (12), how long one is held (60000 ms).
 */
import { type Session, createServer } from 'homing';
import type { Jobs } from './contract.ts';

const [port = '4653', count = '12', holdMs = '60000'] = process.argv.slice(2);

/** Jobs that are not settled, by their number, and those of them that are held. */
const open = new Map<number, string>();
const held = new Set<number>();
const report = { done: 0, inDoubt: 0, unwanted: 0 };
let lastJob = 0;
/** Tickets that can be given out again, and the newest one. */
const returned: number[] = [];
let lastTicket = 0;

const server = createServer<Jobs>(
  {
    serverKeys: ['ticket'],
    authenticate: ({ name }) => ({ id: name }),
    start(session) {
      session.store.on('change', (key, value) => {
        if (key === 'role' && value === 'worker' && session.store.get('ticket') === undefined) giveTicket(session);
      });
      session.on('done', (number) => {
        if (number !== session.store.get('ticket') || !open.has(number)) return;
        report.done += 1;
        settle(number, `is done by ${session.identity.id}`);
        giveTicket(session);
      });
      session.connection.on('closed', ({ carried }) => takeBack(session, carried > 0));
    },
  },
  { lingerMs: 2_000 }, // a worker that stays away for longer is gone
);

/** Whoever has this number gets the job: now, or as soon as somebody draws it. */
async function enqueue(job: string): Promise<void> {
  const number = (lastJob += 1);
  open.set(number, job);
  const group = server.to({ role: 'worker', ticket: number }, { holdMs: Number(holdMs) });
  const sent = await group.send('job', number, job);
  if (sent.held === 0) return;
  held.add(number);
  console.log(`${job} waits for a free worker`);
}

function giveTicket(session: Session<Jobs>): void {
  if (session.store.get('role') !== 'worker') return session.store.delete('ticket'); // it is leaving
  let ticket = 0;
  do ticket = returned.shift() ?? (lastTicket += 1);
  while (ticket <= lastJob && !open.has(ticket)); // its job is settled: nobody came in time
  held.delete(ticket);
  session.store.set('ticket', ticket);
}

/** A worker is gone. A job that never left is queued again; how far it came with another one nobody knows. */
function takeBack(session: Session<Jobs>, neverLeft: boolean): void {
  const ticket = session.store.get('ticket');
  if (ticket === undefined) return;
  const job = open.get(ticket);
  if (job === undefined || held.has(ticket)) return void returned.push(ticket);
  if (neverLeft) void enqueue(job);
  else report.inDoubt += 1;
  settle(ticket, `${neverLeft ? 'goes back' : 'is in doubt'}: ${session.identity.id} is gone`);
}

function settle(number: number, how: string): void {
  console.log(`${open.get(number) ?? number} ${how}`);
  open.delete(number);
  if (open.size > 0) return;
  console.log(`all settled: ${report.done} done, ${report.inDoubt} in doubt, ${report.unwanted} for which nobody came`);
}

server.on('error', ({ code, message }) => {
  const [oldest] = held; // those that are held for the same time expire in their order
  if (code !== 'HeldExpired' || oldest === undefined) return console.log(`${code}: ${message}`);
  held.delete(oldest);
  report.unwanted += 1;
  settle(oldest, 'is given up: nobody came');
});
process.once('SIGTERM', () => void server.close());
const listening = await server.listen(port);
console.log(`jobs are given out at ${listening.host}:${listening.port}`);
for (let number = 1; number <= Number(count); number += 1) await enqueue(`job ${number}`);
