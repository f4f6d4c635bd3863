// Very many short connections through the hand-over to shards: each is answered and closed, and none is counted for ever.
import { type Socket, connect } from 'node:net';
import { createClient, createServer } from 'homing';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { FrameType, frameOf } from '../../src/wire/frame.ts';
import { cborOf, helloBody } from '../loopback/peer.ts';
import { until } from '../loopback/world.ts';
import { Ledger, saidBy } from './ledger.ts';
import { type Numbered, payloadOf } from './numbered.ts';

const ACCEPTS = 20_000;
const AT_A_TIME = 200;

/** Every one of so many connections is that of a real client. */
const REAL_EACH = 500;

describe('with two shards', () => {
  it('20,000 connections come and go, 200 at a time: none is lost, none stays open', { timeout: 120_000 }, async () => {
    using ledger = new Ledger();
    const behavior = new URL('./modules/numbered.behavior.ts', import.meta.url);
    await using server = createServer<Numbered>(behavior, { shards: 2 });
    server.on('error', (error) => errors.push(error));
    const errors: Error[] = [];
    const sessions = { begun: 0, ended: 0 };
    server.on('session', () => (sessions.begun += 1));
    server.on('end', () => (sessions.ended += 1));
    const { port } = await server.listen(0);
    const account = { id: 'one of many', ledger: ledger.file };
    // The session that a HELLO begins is given up a millisecond after its connection.
    const hello = frameOf(FrameType.HELLO, helloBody({ lingerMs: 1, credentials: cborOf(account) }), crc32);
    const seen = { welcomed: 0, silent: 0, real: 0 };

    async function visit(number: number): Promise<void> {
      if (number % REAL_EACH === 0) {
        const client = createClient<Numbered>(port, { credentials: account, lingerMs: 1 });
        await client.deliver('item', number, payloadOf(number), 'nothing');
        await client.close({ drainMs: 0 });
        seen.real += 1;
      } else if (number % 4 === 1) {
        await silentVisit(port, number % 8 === 1);
        seen.silent += 1;
      } else {
        await greetingVisit(port, hello, number % 3 === 0);
        seen.welcomed += 1;
      }
    }

    let next = 0;
    const one = async (): Promise<void> => {
      while (next < ACCEPTS) {
        const number = next;
        next += 1;
        await visit(number);
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, one));
    expect(seen.welcomed + seen.silent + seen.real).toBe(ACCEPTS);
    expect(seen.real).toBe(ACCEPTS / REAL_EACH);
    await until(() => {
      const { connections, handshakes, relays, sessions: kept } = server.counts;
      return connections + handshakes + relays + kept === 0 && sessions.ended === sessions.begun;
    }, 'all connections and sessions to be counted out');
    expect(sessions.begun).toBeGreaterThanOrEqual(seen.real);
    expect(errors).toEqual([]);
    const started = [...ledger.read()].filter(([id]) => !id.startsWith(saidBy('')));
    expect(started.flatMap(([, numbers]) => numbers)).toHaveLength(seen.real);
    await server.close();
    expect(server.counts).toMatchObject({ sessions: 0, connections: 0, handshakes: 0, bytes: 0 });
  });
});

/** Connects, says nothing, and leaves by FIN or RST; resolves when the socket is closed. */
function silentVisit(port: number, isRude: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => leave(socket, isRude));
    socket.once('error', reject);
    socket.once('close', () => resolve());
    socket.resume();
  });
}

/** Greets, waits for the WELCOME, and leaves. */
function greetingVisit(port: number, hello: Uint8Array, isRude: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let type: number | undefined;
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(hello));
    socket.once('data', (chunk: Uint8Array) => {
      type = chunk[4];
      leave(socket, isRude);
    });
    socket.once('error', reject);
    socket.once('close', () => {
      if (type === FrameType.WELCOME) resolve();
      else reject(new Error(`expected a WELCOME (${FrameType.WELCOME}) as the first frame, got type ${type}`));
    });
  });
}

function leave(socket: Socket, isRude: boolean): void {
  if (isRude) socket.resetAndDestroy();
  else socket.end();
}
