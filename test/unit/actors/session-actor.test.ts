// What an end may send depends on what its peer takes, and what a peer answers may be nonsense.
import { type Duplex, duplexPair } from 'node:stream';
import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { type Client, type Limits, type Server, createClient, createServer } from 'homing';
import { sessionId } from '../../../src/ids.ts';
import { encodeWelcome } from '../../../src/wire/control.ts';
import { FrameType, Kind, frameOf, writeHeader, writeU64 } from '../../../src/wire/frame.ts';
import { Splitter } from '../../../src/wire/splitter.ts';

interface Nesting {
  readonly server: { readonly events: { nested: [value: unknown] } };
  readonly client: { readonly events: { nested: [value: unknown] } };
}

const open: AsyncDisposable[] = [];

afterEach(async () => {
  for (const each of open.splice(0)) await each[Symbol.asyncDispose]();
});

/** That many arrays in each other, in a message that adds one more. */
function nested(levels: number): unknown {
  return levels === 0 ? 'core' : [nested(levels - 1)];
}

function levelsOf(value: unknown): number {
  return Array.isArray(value) ? 1 + levelsOf(value[0]) : 0;
}

interface Pair {
  readonly server: Server<Nesting>;
  readonly client: Client<Nesting>;
  readonly seen: number[];
  readonly told: string[];
}

async function pair(serverDepth: number, clientDepth: number, limits: Partial<Limits> = {}): Promise<Pair> {
  const seen: number[] = [];
  const told: string[] = [];
  const server = createServer<Nesting>(
    (session) => {
      session.on('nested', (value) => {
        seen.push(levelsOf(value));
        return session.deliver('nested', value);
      });
    },
    { limits: { depth: serverDepth } },
  );
  server.on('error', (error) => told.push(`server ${String((error.cause as { code?: unknown }).code)}`));
  const { port } = await server.listen(0);
  const client = createClient<Nesting>(port, { limits: { ...limits, depth: clientDepth } });
  client.on('nested', () => {});
  client.connection.on('error', ({ code }) => told.push(code));
  client.connection.on('down', ({ code }) => told.push(code));
  open.push(client, server);
  return { server, client, seen, told };
}

describe('a peer that takes less depth than this end', () => {
  it('never gets what was accepted before it was known: it is told, and the connection stays', async () => {
    const { client, seen, told } = await pair(8, 64);
    client.send('nested', nested(7));
    client.send('nested', nested(8));
    const delivered = client.deliver('nested', nested(40));
    client.send('nested', nested(3));
    await expect(delivered).rejects.toMatchObject({ code: 'NotEncodable', message: expect.stringContaining('than 8') });
    await client.flush();
    expect(seen).toEqual([7, 3]);
    expect(told).toEqual(['NotEncodable']);
    expect(client.connection.state).toBe('up');
  });

  it('does not get what stood in line for a full outbox either', async () => {
    const { client, seen, told } = await pair(8, 64, { outboxMessages: 1 });
    client.send('nested', nested(2));
    const deep = client.deliver('nested', nested(9));
    const flat = client.deliver('nested', nested(1));
    await expect(deep).rejects.toMatchObject({ code: 'NotEncodable' });
    await flat;
    expect(seen).toEqual([2, 1]);
    expect(told).toEqual([]);
  });

  it('is respected from then on, with the path of what is too deep', async () => {
    const { client, told } = await pair(8, 64);
    await client.up();
    expect(() => client.send('nested', nested(8))).toThrow(`args[0]${'[0]'.repeat(7)}: nested deeper than 8`);
    await client.deliver('nested', nested(7));
    expect(told).toEqual([]);
  });

  it('is respected by a server as well', async () => {
    const { client, seen, told } = await pair(64, 8);
    await client.up();
    expect(() => client.send('nested', nested(8))).toThrow('nested deeper than 8');
    await client.deliver('nested', nested(7));
    expect(seen).toEqual([7]);
    expect(told).toEqual([]);
  });
});

describe('a peer that takes more depth than this end', () => {
  it('changes nothing for what this end sends', async () => {
    const { client } = await pair(64, 8);
    expect(() => client.send('nested', nested(8))).toThrow('nested deeper than 8');
    await client.up();
    expect(() => client.send('nested', nested(8))).toThrow('nested deeper than 8');
  });
});

describe('credentials', () => {
  it('do not depend on what the server takes of messages', async () => {
    let shown: unknown;
    const server = createServer<Nesting & { credentials: unknown; identity: { id: string } }>(
      {
        authenticate(credentials) {
          shown = credentials;
          return { id: 'anybody' };
        },
        start() {},
      },
      { limits: { depth: 4, messageBytes: 64 } },
    );
    const { port } = await server.listen(0);
    const credentials = { token: 'x'.repeat(500), chain: nested(20) };
    const client = createClient<Nesting & { credentials: unknown }>(port, { credentials });
    open.push(client, server);
    await client.up({ timeoutMs: 5_000 });
    expect(shown).toEqual(credentials);
  });
});

describe('an error that is larger than the messages of either end', () => {
  it('is told without its text', async () => {
    const server = createServer<Nesting>(
      (session) => {
        session.on('nested', () => {
          throw new RangeError('x'.repeat(500));
        });
      },
      { limits: { messageBytes: 64 } },
    );
    server.on('error', () => {});
    const { port } = await server.listen(0);
    const client = createClient<Nesting>(port, { limits: { messageBytes: 64 } });
    open.push(client, server);
    await expect(client.deliver('nested', 1)).rejects.toMatchObject({ code: 'HandlerFailed' });
    expect(client.connection.state).toBe('up');
  });
});

describe('a receipt whose error is nonsense', () => {
  it.each([
    ['holds a link that leads nowhere', [0x83, 0x61, 0x45, 0xd9, 0x9c, 0x45, 0x81, 0x05, 0xf7]],
    [
      'holds an object that is no text and cannot become one',
      [0x83, 0x61, 0x45, 0xa2, ...text('toString'), 1, ...text('valueOf'), 1, 1],
    ],
  ])('settles its message as failed and nothing else when it %s', async (_, error) => {
    const [near, far] = duplexPair();
    const client = createClient<Nesting>(near);
    answerWithReceipt(far, Uint8Array.from(error));
    const failure = await client.deliver('nested', 1).catch((reason: unknown) => reason);
    expect(failure).toMatchObject({ code: 'HandlerFailed', cause: { message: 'an error that cannot be read' } });
    expect(client.connection.state).toBe('up');
    await client.close({ drainMs: 0 });
  });
});

/** A short text in CBOR. */
function text(value: string): number[] {
  return [0x60 + value.length, ...new TextEncoder().encode(value)];
}

/** A server that knows only this much: it welcomes, and answers the first message with a failed receipt of this error. */
function answerWithReceipt(stream: Duplex, error: Uint8Array): void {
  const splitter = new Splitter(crc32);
  const terms = {
    features: 0,
    heartbeatIntervalMs: 0,
    heartbeatTimeoutMs: 0,
    lingerMs: 0,
    messageBytes: 1_000,
    depth: 8,
  };
  const session = { type: 'new', id: sessionId('s'), secret: new Uint8Array(32), epoch: 1 } as const;
  const welcome = {
    version: 1,
    directPort: 0,
    ...terms,
    windowMessages: 8,
    windowBytes: 1_000,
    session: { ...session, finalCursor: undefined, loss: undefined },
  };
  stream.on('data', (chunk: Uint8Array) => {
    splitter.push(chunk);
    while (splitter.next()) {
      if (splitter.type === FrameType.HELLO) {
        stream.write(frameOf(FrameType.WELCOME, encodeWelcome(welcome), crc32));
        splitter.checksummed = false;
      } else if (splitter.type === FrameType.ORDERED) {
        const frame = new Uint8Array(16 + 9 + error.length);
        writeHeader(frame, 0, FrameType.DIRECT, Kind.RECEIPT, 1, 9 + error.length);
        writeU64(frame, 16, splitter.seq);
        frame[24] = 1;
        frame.set(error, 25);
        stream.write(frame);
      }
    }
  });
}

describe('the longest message', () => {
  it('of 65,536 elements, its name among them, crosses', async () => {
    type Many = { server: { events: { many: number[] } }; client: {} };
    await using server = createServer<Many>((session) => void session.on('many', (...args) => args.length));
    const { port } = await server.listen(0);
    await using client = createClient<Many>(port);
    await client.deliver('many', ...new Array<number>(65_535).fill(1));
  });
});
