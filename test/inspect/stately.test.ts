// Stately's own tools read what the inspector says: their receiver, and the frames that XState itself would have made.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createClient, createServer } from 'homing';
import { openInspector } from 'homing/inspect';
import { describe, expect, it } from 'vitest';
import { createActor, createMachine } from 'xstate';
import type { WatchEvent } from '../../src/actors/events.ts';
import { StatelyFrames } from '../../src/inspect/stately.ts';
import { diallingMachine } from '../../src/machines/dialling.ts';
import { actorEngine, quickEngine } from '../../src/machines/live.ts';
import watched, { type Watched } from './inspector.behavior.ts';

const program = new URL('./programs/receiver.ts', import.meta.url);

/** What the receiver hands out, loosely. */
interface Told {
  readonly type: string;
  readonly sessionId: string;
  readonly event?: { readonly type: string };
  readonly snapshot?: { readonly value: unknown; readonly status: string };
  readonly definition?: string;
}

describe('the receiver of Stately', () => {
  it('is told what a watched connection does, with a definition that makes the machine again', async () => {
    await using inspector = await openInspector({ port: 0, mayCut: true, node: 'here' });
    await using server = createServer(watched, { shards: 0 });
    const { port } = await server.listen(0);
    await using client = createClient<Watched>(port, { inspect: inspector, backoff: { firstMs: 1 } });
    await client.up();
    const told: Told[] = [];
    let look = (): void => {};
    const address = `${inspector.url.replace('http', 'ws')}stately?watch=clients/1`;
    const args = ['--conditions=homing-source', fileURLToPath(program), address];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    createInterface(child.stdout).on('line', (line) => {
      told.push(JSON.parse(line) as Told);
      look();
    });
    const until = (holds: () => boolean): Promise<void> =>
      new Promise((resolve) => {
        look = () => (holds() ? resolve() : undefined);
        look();
      });
    await until(() => told.length === 1);
    const [actor] = told;
    expect(actor).toMatchObject({ type: '@xstate.actor', sessionId: 'here/clients/1', snapshot: { value: 'up' } });
    const again = createMachine(JSON.parse(actor?.definition ?? '') as object);
    expect(Object.keys(again.states)).toEqual(Object.keys(diallingMachine.states));
    client.reconnect();
    await until(() => told.at(-1)?.snapshot?.value === 'up' && told.length > 1);
    const values = told.filter(({ type }) => type === '@xstate.snapshot').map(({ snapshot }) => snapshot?.value);
    expect(values).toEqual(['connecting', 'authenticating', 'up']);
    expect(told.filter(({ type }) => type === '@xstate.event').map(({ event }) => event?.type)).toEqual([
      'RECONNECT',
      'SOCKET_OPEN',
      'WELCOMED',
    ]);
    child.kill();
    await gone;
  });
});

describe('the frames', () => {
  const clock = { setTimeout: () => undefined, clearTimeout: () => {} };
  const input = { autoReconnect: true, handshakeMs: 1_000, stableMs: 1_000 };
  const path = [
    { type: 'CONNECT' },
    { type: 'SOCKET_OPEN' },
    { type: 'WELCOMED' },
    { type: 'SOCKET_LOST', code: 'line-lost' },
    { type: 'REDIAL_PLANNED', delayMs: 5 },
    { type: 'CLOSE' },
  ];

  /** What an engine shows of a walk along the path, in frames. */
  function framesOf(begin: typeof quickEngine) {
    const frames = new StatelyFrames('n');
    const told: object[] = [];
    let from: string | undefined;
    const step = (event: { readonly type: string }, words: readonly string[], context: object): void => {
      const { type, ...data } = event;
      const state = words.join('.');
      const base = { atMs: 0, connection: '0/1', machine: 'dialling', state, context } as const;
      const what: WatchEvent =
        from === undefined ? { ...base, type: 'actor' } : { ...base, type: 'step', event: type, data, from };
      told.push(...frames.of(what));
      from = state;
    };
    const engine = begin(diallingMachine, {
      input,
      clock,
      emitted: () => {},
      due: (work: () => void) => work(),
      seen: { step },
    });
    engine.start();
    for (const event of path) engine.send(event);
    return told;
  }

  it('are those that XState itself tells of the same walk: events, values and contexts', () => {
    const own: object[] = [];
    const actor = createActor(diallingMachine, {
      input,
      inspect: (event) => {
        if (event.type === '@xstate.event') own.push({ type: event.type, event: event.event });
        if (event.type !== '@xstate.snapshot') return;
        const { value, context, status } = event.snapshot as unknown as Record<string, unknown>;
        own.push({ type: event.type, event: event.event, snapshot: { value, context, status } });
      },
    });
    actor.start();
    own.length = 0;
    for (const event of path) actor.send(event as never);
    const ours = framesOf(quickEngine).slice(1) as Record<string, unknown>[];
    expect(
      ours.map(({ type, event, snapshot }) => (snapshot === undefined ? { type, event } : { type, event, snapshot })),
    ).toEqual(own);
  });

  it('are the same whichever engine runs the machine', () => {
    expect(framesOf(quickEngine)).toEqual(framesOf(actorEngine));
  });
});
