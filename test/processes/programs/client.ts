/** A client of the lane: arguments are its name, its life, the port, the seed, and the file of its log. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'homing';
import { Draws } from '../../../src/testing/draws.ts';
import { watch } from '../../../src/testing/watch.ts';
import { type Notes, ends } from '../contract.ts';
import { Witness, obey } from './witness.ts';

const [who = 'c0', life = '1', port = '', seed = '1', file = ''] = process.argv.slice(2);
const witness = new Witness({ who, life: Number(life) }, file);
const draws = new Draws(Number(seed), `${who} ${life}`);
const texts = ['', 'a short note', 'a longer note '.repeat(40), 'a note of many bytes '.repeat(2_000)];

const client = createClient<Notes>(Number(port), {
  ...ends,
  backoff: { firstMs: 5, baseMs: 10, maxMs: 100 },
  credentials: who,
});
watch(client, 'client', witness.watcher);
client.connection.on('gap', (report) => {
  const chance = draws.number();
  if (chance < 0.5) report.resend();
  if (chance > 0.3 && chance < 0.7) report.discard();
});
client.on('heard', async () => {
  if (draws.number() < 0.2) await sleep(draws.number() * 5);
});
client.expose({ mood: () => 'good' });

let isFinishing = false;
let number = 0;
const open = new Set<Promise<unknown>>();

obey({
  finish: () => (isFinishing = true),
  close: () => void client.close({ drainMs: 5_000 }).then(() => process.exit(0)),
});
witness.show('begun');
while (!isFinishing) {
  speak();
  await sleep(draws.number() * 4);
}
while (open.size > 0) await Promise.all(open);
await flushed();
witness.show('finished');

/** Does one thing. */
function speak(): void {
  number += 1;
  const chance = draws.number();
  const text = texts[Math.floor(draws.number() * draws.number() * texts.length)] ?? '';
  if (chance < 0.5) {
    try {
      client.send('note', number, text);
    } catch (error) {
      isOfLine(error);
    }
  } else if (chance < 0.65) hold(client.deliver('note', number, text));
  else if (chance < 0.7) hold(client.with({ timeoutMs: 30 }).deliver('note', number, text));
  else if (chance < 0.75) hold(client.deliver('fails', number));
  else if (chance < 0.85) hold(client.call('add', number, 1).then((sum) => expectSum(sum, number)));
  else if (chance < 0.9) hold(client.call('slow', draws.number() * 60));
  else if (chance < 0.93) hold(client.with({ timeoutMs: 20 }).call('slow', draws.number() * 60));
  else if (chance < 0.96) hold(client.with({ timeoutMs: 200, clock: 'wall' }).call('add', number, 1));
  else hold(client.flush());
}

function expectSum(sum: number, of: number): void {
  if (sum < 2 || sum > of + 1) throw new Error(`expected a sum of at most ${of + 1}, got ${sum}`);
}

function hold(promise: Promise<unknown>): void {
  const held = promise.catch(isOfLine).finally(() => open.delete(held));
  open.add(held);
}

/** Dead peers, deadlines and handlers that were told to throw are what the lane is about. */
function isOfLine(error: unknown): void {
  const { code = '' } = error as { code?: string };
  const expected = ['OutboxFull', 'OutcomeUnknown', 'Deadline', 'TooManyCalls', 'HandlerFailed'];
  if (!expected.includes(code)) throw error;
}

/** Everything that was said is handled by a server that lives on. */
async function flushed(): Promise<void> {
  for (;;) {
    const outcome = await client.flush().then(
      () => 'ok',
      (error: unknown) => isOfLine(error),
    );
    if (outcome === 'ok') return;
  }
}
