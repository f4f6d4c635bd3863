/**
 * Opens connections, many at a time, sends each the same first bytes and waits for an answer and the end. Says how many a
 * second were answered. Arguments: port, connections, how many at a time.
 */
import { connect } from 'node:net';
import { greeting } from './greeting.ts';

/** A connection that is not answered by then is lost. */
const ANSWER_MS = 10_000;

/** What came of the connections. */
export interface Accepted {
  readonly rate: number;
  readonly lost: number;
}

const [port = 0, count = 0, atOnce = 0] = process.argv.slice(2).map(Number);
process.on('disconnect', () => process.exit());
const hello = greeting();
let left = count;
let lost = 0;
const startMs = performance.now();
await Promise.all(Array.from({ length: atOnce }, work));
const rate = (count / (performance.now() - startMs)) * 1_000;
process.send?.({ rate, lost } satisfies Accepted);

async function work(): Promise<void> {
  while (left > 0) {
    left -= 1;
    if (!(await visit())) lost += 1;
  }
}

/** Whether it was answered and closed by the server. */
function visit(): Promise<boolean> {
  return new Promise((resolve) => {
    let isAnswered = false;
    let hasEnded = false;
    const socket = connect({ host: '127.0.0.1', port });
    const timer = setTimeout(() => socket.destroy(), ANSWER_MS);
    socket.on('connect', () => socket.write(hello));
    socket.on('data', () => (isAnswered = true));
    socket.on('end', () => (hasEnded = true));
    socket.on('error', () => {});
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(isAnswered && hasEnded);
    });
  });
}
