/**
 * Keeps several sessions busy with work for a time, each with some messages outstanding, and says how much was done by
 * which thread. Arguments: port, sessions, outstanding messages of each, steps of one message, milliseconds.
 */
import { createClient } from 'homing';
import type { Working } from './contracts.ts';

/** Not counted: the time in which the engine compiles. */
const WARM_MS = 700;

const [port = 0, sessions = 0, outstanding = 0, steps = 0, milliseconds = 0] = process.argv.slice(2).map(Number);
process.on('disconnect', () => process.exit());
const clients = Array.from({ length: sessions }, () => createClient<Working>(port));
const doneBy = new Map<number, number>();
let isCounting = false;
let isOver = false;
for (const client of clients) {
  client.on('done', (thread) => {
    if (isCounting) doneBy.set(thread, (doneBy.get(thread) ?? 0) + 1);
    if (!isOver) client.send('work', steps);
  });
  await client.up();
}
for (const client of clients) for (let index = 0; index < outstanding; index += 1) client.send('work', steps);
await new Promise((resolve) => setTimeout(resolve, WARM_MS));
isCounting = true;
const startMs = performance.now();
await new Promise((resolve) => setTimeout(resolve, milliseconds));
isCounting = false;
isOver = true;
const seconds = (performance.now() - startMs) / 1_000;
process.send?.({ rates: Array.from(doneBy.values(), (count) => count / seconds) });
