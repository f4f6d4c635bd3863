// A server with two shards that drains while both sides go on sending, on lines at home and relayed ones.
import { createServer } from 'homing';
import { describe, expect, it } from 'vitest';
import { until } from '../loopback/world.ts';
import { Ledger, saidBy } from './ledger.ts';
import type { Numbered } from './numbered.ts';
import { exitOf } from './program.ts';
import { ServerFacts } from './server-facts.ts';
import { Talker } from './talker.ts';

const behavior = new URL('./modules/numbered.behavior.ts', import.meta.url);
const backoff = { firstMs: 1, baseMs: 5, maxMs: 20 };

/** A server whose talkers all talk, some of them over a relay. */
async function busy(ledger: Ledger, signal: AbortSignal, fault: (sentence: string) => void) {
  const server = createServer<Numbered>(behavior, { shards: 2, signal });
  const facts = new ServerFacts(server, 0, fault);
  const { port } = await server.listen({ port: 0, direct: false });
  const talkers = Array.from({ length: 8 }, (_, index) => {
    const name = `talker ${index}`;
    return new Talker({ name, where: port, ledger: ledger.file, resends: false, client: { backoff, signal }, fault });
  });
  for (const talker of talkers) await talker.settle();
  // All at once: one that comes back alone finds the room at its home that it has just left.
  while (server.counts.relays < 2) {
    for (const { client } of talkers) client.reconnect();
    await Promise.all(talkers.map((talker) => talker.settle()));
  }
  return { server, facts, talkers, port };
}

/** Aborted at the end of a test, so that a failure leaves at once. */
function stopAtEnd(): Disposable & { readonly signal: AbortSignal } {
  const stop = new AbortController();
  return { signal: stop.signal, [Symbol.dispose]: () => stop.abort() };
}

describe('two shards that drain', () => {
  it.each([
    ['', false],
    [' while clients reconnect', true],
  ])('finish with both sides under load%s: nothing is unconfirmed', { timeout: 90_000 }, async (_, isShaken) => {
    const faults: string[] = [];
    const fault = (sentence: string): void => void faults.push(sentence);
    using ledger = new Ledger();
    using stop = stopAtEnd();
    const { server, facts, talkers, port } = await busy(ledger, stop.signal, fault);
    let isOver = false;
    const shake = (said: number): void => {
      const { client } = talkers[said % talkers.length] ?? {};
      if (isShaken && said % 50 === 0) client?.reconnect();
    };
    const talking = Promise.all(talkers.map((talker) => talker.talk(() => isOver, shake)));
    await until(() => talkers.every(({ heardCount, saidCount }) => heardCount > 50 && saidCount > 50), 'traffic');
    const ids = talkers.map(({ client }) => client.id);
    await server.close({ drainMs: 30_000 });

    expect(faults).toEqual([]);
    const started = ledger.read();
    for (const [index, talker] of talkers.entries()) {
      const id = ids[index] ?? '';
      const end = facts.ends.get(id);
      expect(end).toMatchObject({ code: 'going-away', unconfirmed: 0 });
      // What was sent when the drain had begun was never written, and is told.
      const said = started.get(saidBy(id))?.[0] ?? Number.NaN;
      expect(talker.heardCount + (end?.carried ?? Number.NaN)).toBe(said);
    }
    expect(server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0, relays: 0, bytes: 0 });

    await using next = createServer<Numbered>(behavior, { shards: 2 });
    await next.listen(port);
    await until(() => talkers.every(({ gapCount }) => gapCount === 1), 'all clients to come to the next server');
    isOver = true;
    await talking;
    await Promise.all(talkers.map((talker) => talker.finish()));
    await Promise.all(talkers.map(({ client }) => client.close()));
    for (const talker of talkers) {
      talker.audit(ledger.read());
      expect(talker.unconfirmedCount).toBe(0);
    }
    expect(faults).toEqual([]);
  });

  it('end at once when closed again, though a handler never ends', async () => {
    const faults: string[] = [];
    const fault = (sentence: string): void => void faults.push(sentence);
    using ledger = new Ledger();
    using stop = stopAtEnd();
    const { server, facts, talkers } = await busy(ledger, stop.signal, fault);
    talkers[0]?.say('hold');
    const held = talkers[0]?.saidCount ?? 0;
    await until(() => [...ledger.read().values()].flat().includes(held - 1), 'the handler that never ends');
    let isClosed = false;
    const closing = server.close({ drainMs: 60_000 }).then(() => (isClosed = true));
    await until(() => facts.open.length === 1, 'all others to have finished');
    expect(isClosed).toBe(false);
    await server.close();
    await closing;
    expect([...facts.ends.values()].map(({ code }) => code)).toEqual(talkers.map(() => 'going-away'));
    expect(server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0, relays: 0 });
    await Promise.all(talkers.map(({ client }) => client.close({ drainMs: 0 })));
  });

  it.each(['drained', 'forced', 'crashed'])('leave nothing behind: a program whose server was %s ends', async (how) => {
    const { code, output } = await exitOf('closes-shards.ts', how);
    expect(output).toBe('closed\n');
    expect(code).toBe(0);
  });

  it('leave no file open, however shards have ended', { timeout: 90_000 }, async ({ skip }) => {
    if (process.platform !== 'linux') skip('only Linux lists the open files of a process in /proc/self/fd');
    const { code, output } = await exitOf('counts-files.ts');
    expect(code, output).toBe(0);
    const counts = output.trim().split('\n').map(Number);
    // The first round opens what is opened once and kept.
    expect(counts).toHaveLength(3);
    expect(counts[2]).toBe(counts[1]);
  });
});
