/**
 * The law of a session over real sockets: whatever a cutting proxy does to the connections, both directions arrive once
 * and in order. What the proxy does comes from the seed; when it happens does not, so a failure need not repeat at once.
 */
import { createClient, createServer, type HomingError } from 'homing';
import { describe, expect, it } from 'vitest';
import { openProxy } from '../../src/testing/proxy/chaos-proxy.ts';
import { draw, storm } from '../../src/testing/proxy/storm.ts';

type Items = { events: { item: [index: number, payload: Uint8Array] } };
type Both = { server: Items; client: Items };

interface Size {
  readonly title: string;
  readonly cuts: number;
  /** Payload bytes of the message with this number. */
  readonly bytes: (index: number, chance: number) => number;
  /** Bytes that pass before a fault: a few messages on average, and sometimes a whole one of the largest. */
  readonly passBytesMax: number;
}

const sizes: readonly Size[] = [
  { title: 'small messages', cuts: 30, bytes: (_, chance) => Math.floor(chance * 90), passBytesMax: 40_000 },
  { title: 'messages of 2 KB', cuts: 30, bytes: () => 2_048, passBytesMax: 200_000 },
  { title: 'messages of 300 KB', cuts: 40, bytes: () => 300_000, passBytesMax: 2_500_000 },
  {
    title: 'all sizes at once',
    cuts: 60,
    bytes: (index, chance) => (index % 50 === 7 ? 300_000 : index % 5 === 0 ? 2_048 : Math.floor(chance * 90)),
    passBytesMax: 2_500_000,
  },
];

/** The heartbeat is short, so that a black hole costs less than half a second. */
const options = {
  heartbeat: { intervalMs: 100, timeoutMs: 300 },
  handshakeMs: 500,
  limits: { outboxMessages: 400, outboxBytes: 6_000_000 },
};

/** A storm and the quiet after it take some ten seconds; a session that hangs is told before vitest gives up. */
const LIMIT_MS = 50_000;

describe('over real sockets that are cut, refused, stalled and half-opened', () => {
  it.each(sizes)('$title arrive once and in order, both ways', async (size) => {
    const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1_000_000_000));
    try {
      const cuts = await shipBothWays(seed, size);
      expect(cuts).toBeGreaterThanOrEqual(size.cuts);
    } catch (error) {
      throw new Error(`with SEED=${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  });
});

async function shipBothWays(seed: number, size: Size): Promise<number> {
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const fault = (sentence: string): void => broken.reject(new Error(sentence));
  const ends: string[] = [];
  // A failure leaves at once, without a drain.
  const stop = new AbortController();
  const { signal } = stop;
  const ears = { up: new Ear('up', { seed, size, fault }), down: new Ear('down', { seed, size, fault }) };
  await using server = createServer<Both>(
    (session) => {
      session.on('item', (index, payload) => ears.up.heard(index, payload));
      down.resolve(talk(session, 'down'));
    },
    { ...options, signal },
  );
  server.on('error', (error) => ears.up.failed(error));
  server.on('gap', () => fault('the server lost history'));
  server.on('end', (_, { code, unconfirmed, carried }) => ends.push(`server ${code} ${unconfirmed} ${carried}`));
  const { port: targetPort } = await server.listen(0);
  const passing = { upBytesMax: size.passBytesMax, downBytesMax: size.passBytesMax };
  const plan = storm({ seed, ...passing, stallMsMax: 60, refuseMsMax: 30, latencyMsMax: 3 });
  await using proxy = await openProxy({ targetPort, plan });
  const client = createClient<Both>(proxy.port, { ...options, signal, backoff: { firstMs: 5, baseMs: 10, maxMs: 80 } });
  using _leaving = { [Symbol.dispose]: () => stop.abort() };
  client.on('item', (index, payload) => ears.down.heard(index, payload));
  client.connection.on('error', (error) => ears.down.failed(error));
  client.connection.on('gap', ({ reason }) => fault(`the client lost history: ${reason}`));
  client.connection.on('closed', ({ code, unconfirmed, carried }) =>
    ends.push(`client ${code} ${unconfirmed} ${carried}`),
  );
  const down = Promise.withResolvers<number>();

  /** Sends until the line was cut often enough, a fifth of it with `deliver`; resolves when the peer has processed all. */
  async function talk(end: Talker, way: 'up' | 'down'): Promise<number> {
    const receipts: Promise<unknown>[] = [];
    let sent = 0;
    for (; proxy.counts.cuts < size.cuts; sent += 1) {
      const payload = payloadOf(way, seed, size, sent);
      const isDelivered = draw(seed, sent, `${way} deliver`) < 0.2;
      if (isDelivered) receipts.push(settled(end.deliver('item', sent, payload), way, sent));
      else if (!end.send('item', sent, payload)) await end.writable();
      if (receipts.length >= 50) await receipts.shift();
      if (sent % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
    }
    await proxy.heal();
    await end.flush();
    await Promise.all(receipts);
    return sent;
  }

  /** The receipt must say what the handler of this very message did. */
  async function settled(receipt: Promise<void>, way: 'up' | 'down', index: number): Promise<void> {
    const outcome = await receipt.then(
      () => 'processed',
      (error: HomingError) => (error.cause instanceof Error ? error.cause.message : error.message),
    );
    const expected = throwsAt(seed, way, index) ? `no ${index}` : 'processed';
    if (outcome !== expected) fault(`${way} ${index}: expected ${expected}, the receipt says ${outcome}`);
  }

  AbortSignal.timeout(LIMIT_MS).addEventListener('abort', () => {
    const { cuts } = proxy.counts;
    fault(
      `no end: ${cuts} cuts, received ${ears.up.count} and ${ears.down.count}, connection ${client.connection.state}`,
    );
  });
  const sent = await Promise.race([broken.promise, Promise.all([talk(client, 'up'), down.promise])]);
  expect([ears.up.count, ears.down.count]).toEqual(sent);
  expect([ears.up.failures, ears.down.failures]).toEqual([ears.up.thrown, ears.down.thrown]);
  // Quiet: both ends leave at once, and owe each other nothing.
  await client.close();
  await server.close();
  expect(ends.sort()).toEqual(['client closed 0 0', 'server closed 0 0']);
  expect(server.counts).toMatchObject({ sessions: 0, handshakes: 0 });
  return proxy.counts.cuts;
}

type Talker = Pick<ReturnType<typeof createClient<Both>>, 'send' | 'deliver' | 'writable' | 'flush'>;

/** The receiving side of one direction: it knows what must come next, and holds it against what comes. */
class Ear {
  count = 0;
  /** Handlers that threw on purpose, and errors that were reported for it. */
  thrown = 0;
  failures = 0;
  readonly #way: 'up' | 'down';
  readonly #seed: number;
  readonly #size: Size;
  readonly #fault: (sentence: string) => void;
  #isHandling = false;

  constructor(way: 'up' | 'down', told: { seed: number; size: Size; fault: (sentence: string) => void }) {
    this.#way = way;
    this.#seed = told.seed;
    this.#size = told.size;
    this.#fault = (sentence) => told.fault(`${way}: ${sentence}`);
  }

  heard(index: number, payload: Uint8Array): Promise<void> | undefined {
    if (this.#isHandling) this.#fault(`${index} was started while another was handled`);
    if (index !== this.count) this.#fault(`expected ${this.count}, got ${index}`);
    this.count = index + 1;
    const expected = payloadOf(this.#way, this.#seed, this.#size, index);
    if (Buffer.compare(expected, payload) !== 0) this.#fault(`${index} was altered`);
    if (throwsAt(this.#seed, this.#way, index)) {
      this.thrown += 1;
      throw new Error(`no ${index}`);
    }
    return draw(this.#seed, index, `${this.#way} slow`) < 0.05 ? this.#takeTime() : undefined;
  }

  failed(error: HomingError): void {
    if (error.code === 'HandlerFailed') this.failures += 1;
    else this.#fault(error.message);
  }

  async #takeTime(): Promise<void> {
    this.#isHandling = true;
    await new Promise((resolve) => setImmediate(resolve));
    this.#isHandling = false;
  }
}

/** The bytes of a message; 251 is prime, so a fragment in the wrong place shows. */
function payloadOf(way: 'up' | 'down', seed: number, size: Size, index: number): Uint8Array {
  const pattern = Uint8Array.from({ length: 251 }, (_, place) => place * 7 + index);
  return new Uint8Array(Buffer.alloc(size.bytes(index, draw(seed, index, `${way} bytes`)), pattern));
}

function throwsAt(seed: number, way: 'up' | 'down', index: number): boolean {
  return draw(seed, index, `${way} throw`) < 0.01;
}
