import { expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { acceptingMachine } from '../../../src/machines/accepting.ts';
import type { AcceptingEvent } from '../../../src/machines/accepting.ts';
import { runMachine } from '../../../src/machines/runner.ts';

function serverAfter(...path: readonly AcceptingEvent[]) {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const server = runMachine(acceptingMachine, {
    input: { handshakeMs: 10_000 },
    clock,
    onEffect: (effect) => void log.push(`${effect.type} (${server.context().cause})`),
    onState: (state, previous) => void log.push(`${previous}→${state}`),
  });
  for (const event of path) server.send(event);
  return { server, clock, log };
}

test('a server connection waits for HELLO handshakeMs and not longer', () => {
  const { server, clock, log } = serverAfter();
  clock.increment(9_999);
  expect(server.state()).toBe('authenticating');
  clock.increment(1);
  expect(log).toEqual(['authenticating→closed', 'hangUp (handshake-timeout)']);
});

test('a welcomed connection is up for as long as the line lasts', () => {
  const { server, clock, log } = serverAfter({ type: 'WELCOMED' });
  clock.increment(1_000_000);
  server.send({ type: 'SOCKET_LOST', code: 'silent' });
  expect(log).toEqual(['authenticating→up', 'up→closed', 'hangUp (silent)']);
});

test('a refused HELLO closes with its code', () => {
  const { log } = serverAfter({ type: 'HELLO_REFUSED', code: 'proof-failed' });
  expect(log).toEqual(['authenticating→closed', 'hangUp (proof-failed)']);
});

test('a HELLO cannot be refused once it was welcomed', () => {
  const { server } = serverAfter({ type: 'WELCOMED' }, { type: 'HELLO_REFUSED', code: 'proof-failed' });
  expect(server.state()).toBe('up');
});

test('CLOSE and SOCKET_LOST close from both states, and only the first one counts', () => {
  for (const path of [[], [{ type: 'WELCOMED' }]] as const) {
    const { log, clock } = serverAfter(
      ...path,
      { type: 'CLOSE', code: 'replaced' },
      { type: 'SOCKET_LOST', code: 'line-lost' },
    );
    clock.increment(1_000_000);
    expect(log.filter((line) => line.startsWith('hangUp'))).toEqual(['hangUp (replaced)']);
  }
});
