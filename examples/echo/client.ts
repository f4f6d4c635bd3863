/**
 * Says one thing after another, each when the server has handled the one before. Kill it, kill the server, start either
 * again. Argument: the port (4646).
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { HomingError, createClient } from 'homing';
import type { Echo } from './contract.ts';

const client = createClient<Echo>(Number(process.argv[2] ?? 4646), { backoff: { maxMs: 1_000 } });
client.connection.on('change', (state) => console.log(`connection: ${state}`));
client.connection.on('gap', ({ unconfirmed, carried }) => {
  console.log(`the server lost its memory: ${unconfirmed} unconfirmed, ${carried} carried over`);
});
client.on('echo', (text) => console.log(`  echo "${text}"`));

/** Resolves when the server has handled it, however long that takes and whatever happens to the line. */
async function say(text: string): Promise<void> {
  console.log(`saying "${text}"`);
  const startedMs = performance.now();
  try {
    await client.deliver('say', text);
    console.log(`  handled "${text}" after ${(performance.now() - startedMs).toFixed(1)} ms`);
  } catch (error) {
    if (!(error instanceof HomingError) || error.code !== 'OutcomeUnknown') throw error;
    console.log(`  nobody knows whether "${text}" was handled, so once more`);
    await say(text);
  }
}

for (let number = 1; ; number += 1) {
  await say(`word ${number}`);
  await sleep(1_000);
}
