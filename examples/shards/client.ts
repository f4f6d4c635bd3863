/**
 * Four sessions count all the time. One of them asks for heavy work, and later makes its shard crash; it shows what the
 * others notice. Argument: the port (4649).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, createClient } from 'homing';
import type { Counting } from './contract.ts';

const port = Number(process.argv[2] ?? 4649);
const counts = new Map<string, { sent: number; answered: number }>();
const show = (): void => {
  console.log(Array.from(counts, ([name, { sent, answered }]) => `  ${name} ${answered} of ${sent}`).join(' '));
};

/** A session that counts twenty times a second. */
async function open(name: string): Promise<Client<Counting>> {
  const count = { sent: 0, answered: 0 };
  counts.set(name, count);
  const client = createClient<Counting>(port);
  client.connection.on('gap', ({ reason, unconfirmed }) => {
    console.log(`${name} starts anew: ${reason}, ${unconfirmed} unconfirmed`);
  });
  client.on('counted', () => void (count.answered += 1));
  await client.up();
  const timer = setInterval(() => client.send('count') && (count.sent += 1), 50);
  client.connection.on('closed', () => clearInterval(timer));
  return client;
}

/** Resolves when three more counts of it were answered. */
async function threeMore(client: Client<Counting>): Promise<void> {
  for (let times = 0; times < 3; times += 1) await new Promise((resolve) => void client.once('counted', resolve));
}

const ada = await open('ada');
const others = [await open('ben'), await open('cyd'), await open('dan')];
await sleep(500);
show();
console.log('ada asks for heavy work');
ada.send('primes', 50_000_000);
const answer = new Promise<number>((resolve) => void ada.once('primes', resolve));
await Promise.all(others.map(threeMore));
show();
console.log(`there are ${await answer} primes below 50 million; ada makes her shard crash`);
ada.send('crash');
await new Promise((resolve) => ada.connection.on('gap', resolve));
await Promise.all([ada, ...others].map(threeMore));
show();
await Promise.all([ada, ...others].map((client) => client.close()));
