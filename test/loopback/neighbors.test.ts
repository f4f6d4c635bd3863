// Sessions of one thread over streams that deliver inside a write: what one of them does may reach another one at once.
import { duplexPair } from 'node:stream';
import { type Client, type Server, type Session, createClient, createServer } from 'homing';
import { expect, test } from 'vitest';
import type { Loose } from './world.ts';

/** So many calls in one tick leave at once. */
const CALLS = 64;

function joined(server: Server<Loose>): Client<Loose> {
  const [near, far] = duplexPair();
  server.accept(far);
  return createClient<Loose>(near);
}

test('a message is what it was, though a listener that runs before it has another session receive', async () => {
  const quick = createServer<Loose>((session: Session<Loose>) => session.expose({ echo: (value) => value }));
  const other = joined(quick);
  const answers: Promise<unknown>[] = [];
  const heard: unknown[] = [];
  const busy = createServer<Loose>((session: Session<Loose>) => {
    session.on('say', (text) => void heard.push(text));
    session.expose({
      work: () =>
        new Promise(() => {
          session.turn.signal.addEventListener('abort', () => {
            for (let call = 0; call < CALLS; call += 1) answers.push(other.call('echo', call));
          });
        }),
    });
  });
  const client = joined(busy);
  await Promise.all([client.up(), other.up()]);

  const giveUp = new AbortController();
  const work = client.with({ signal: giveUp.signal }).call('work');
  await client.flush();
  // Both leave with one write: the listener runs when the message has been taken off the wire.
  giveUp.abort();
  client.send('say', 'after the cancel');
  await expect(work).rejects.toThrow();
  await client.flush();

  expect(heard).toEqual(['after the cancel']);
  expect(await Promise.all(answers)).toEqual(Array.from({ length: CALLS }, (_, call) => call));
  await Promise.all([client.close({ drainMs: 0 }), other.close({ drainMs: 0 })]);
  await Promise.all([busy.close({ drainMs: 0 }), quick.close({ drainMs: 0 })]);
});
