import { describe, expect, test } from 'vitest';
import { SimulatedClock } from 'xstate';
import { diallingMachine } from '../../../src/machines/dialling.ts';
import type { DiallingEvent } from '../../../src/machines/dialling.ts';
import { runMachine } from '../../../src/machines/runner.ts';

const toUp: readonly DiallingEvent[] = [{ type: 'CONNECT' }, { type: 'SOCKET_OPEN' }, { type: 'WELCOMED' }];
const toAuthenticating = toUp.slice(0, 2);
const toConnecting = toUp.slice(0, 1);
const toBackoff: readonly DiallingEvent[] = [...toUp, { type: 'SOCKET_LOST', code: 'line-lost' }];
const withSocket = [
  { state: 'connecting', path: toConnecting },
  { state: 'authenticating', path: toAuthenticating },
  { state: 'up', path: toUp },
] as const;
const everywhere = [{ state: 'idle', path: [] }, ...withSocket, { state: 'backoff', path: toBackoff }] as const;

/** A client that plans each redial 250 ms ahead and writes down what the machine does. */
function clientAfter(path: readonly DiallingEvent[], { autoReconnect = true, plans = true } = {}) {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const client = runMachine(diallingMachine, {
    input: { autoReconnect, handshakeMs: 10_000, stableMs: 10_000 },
    clock,
    onEffect: (effect) => {
      log.push(effect.type);
      if (effect.type === 'planRedial' && plans) client.send({ type: 'REDIAL_PLANNED', delayMs: 250 });
    },
    onState: (state, previous) => void log.push(`${previous}→${state}`),
  });
  for (const event of path) client.send(event);
  log.length = 0;
  return { client, clock, log };
}

describe('on the way up', () => {
  test('a client is idle until CONNECT, then dials, greets and is up', () => {
    const { client, log } = clientAfter([]);
    expect(client.state()).toBe('idle');
    for (const event of toUp) client.send(event);
    expect(log).toEqual(['idle→connecting', 'dial', 'connecting→authenticating', 'greet', 'authenticating→up']);
  });

  test('CONNECT means nothing once a connection is under way', () => {
    for (const { state, path } of everywhere.slice(1)) {
      const { client, log } = clientAfter(path);
      client.send({ type: 'CONNECT' });
      expect([client.state(), log]).toEqual([state, []]);
    }
  });

  test('an answer before the socket is open is no welcome', () => {
    const { client } = clientAfter(toConnecting);
    client.send({ type: 'WELCOMED' });
    expect(client.state()).toBe('connecting');
  });
});

describe('losing the line', () => {
  test.each(withSocket)('SOCKET_LOST in $state hangs up and plans a redial', ({ state, path }) => {
    const { client, log } = clientAfter(path);
    client.send({ type: 'SOCKET_LOST', code: 'line-lost' });
    expect(log).toEqual([`${state}→backoff`, 'hangUp', 'planRedial']);
    expect(client.context()).toMatchObject({ cause: 'line-lost', attemptCount: 1, redialMs: 250 });
  });

  test.each(withSocket)('SOCKET_LOST in $state leads to idle without auto-reconnect', ({ state, path }) => {
    const { client, clock, log } = clientAfter(path, { autoReconnect: false });
    client.send({ type: 'SOCKET_LOST', code: 'silent' });
    clock.increment(1_000_000);
    expect(log).toEqual([`${state}→idle`, 'hangUp']);
    expect(client.context().cause).toBe('silent');
  });

  test.each(withSocket)('REFUSED in $state is tried again, or not, like a lost line', ({ state, path }) => {
    const again = clientAfter(path);
    again.client.send({ type: 'REFUSED', code: 'overloaded' });
    expect(again.log).toEqual([`${state}→backoff`, 'hangUp', 'planRedial']);
    const once = clientAfter(path, { autoReconnect: false });
    once.client.send({ type: 'REFUSED', code: 'overloaded' });
    expect(once.log).toEqual([`${state}→idle`, 'hangUp']);
    expect(once.client.context().cause).toBe('overloaded');
  });

  test.each(withSocket.slice(0, 2))('$state lasts handshakeMs and not longer', ({ state, path }) => {
    for (const autoReconnect of [true, false]) {
      const { client, clock, log } = clientAfter(path, { autoReconnect });
      clock.increment(9_999);
      expect(client.state()).toBe(state);
      clock.increment(1);
      expect(log).toEqual(autoReconnect ? [`${state}→backoff`, 'hangUp', 'planRedial'] : [`${state}→idle`, 'hangUp']);
      expect(client.context().cause).toBe('handshake-timeout');
    }
  });

  test('late events of a socket mean nothing in backoff', () => {
    const { client, log } = clientAfter(toBackoff);
    client.send({ type: 'SOCKET_OPEN' });
    client.send({ type: 'WELCOMED' });
    client.send({ type: 'SOCKET_LOST', code: 'line-lost' });
    client.send({ type: 'REFUSED', code: 'overloaded' });
    expect([client.state(), log]).toEqual(['backoff', []]);
  });
});

describe('backoff', () => {
  test('the redial comes after the planned delay and not before', () => {
    const { client, clock, log } = clientAfter(toBackoff);
    clock.increment(249);
    expect(client.state()).toBe('backoff');
    clock.increment(1);
    expect(log).toEqual(['backoff→connecting', 'dial']);
  });

  test('a redial that nobody plans is made after a second', () => {
    const { clock, log } = clientAfter(toBackoff, { plans: false });
    clock.increment(999);
    expect(log).toEqual([]);
    clock.increment(1);
    expect(log).toEqual(['backoff→connecting', 'dial']);
  });

  test('attempts are counted over connections that flap', () => {
    const { client, clock } = clientAfter(toBackoff);
    for (const attemptCount of [2, 3, 4]) {
      clock.increment(250);
      for (const event of toBackoff.slice(1)) client.send(event);
      expect(client.context().attemptCount).toBe(attemptCount);
    }
  });

  test('a connection that stays up for stableMs is proven and the attempts are forgotten', () => {
    const { client, clock, log } = clientAfter([...toBackoff, { type: 'RECONNECT' }, ...toBackoff.slice(1)]);
    clock.increment(250);
    for (const event of toUp.slice(1)) client.send(event);
    log.length = 0;
    clock.increment(9_999);
    expect([client.context().attemptCount, log]).toEqual([1, []]);
    clock.increment(1);
    expect([client.context().attemptCount, log]).toEqual([0, ['proven']]);
  });

  test('a connection that advances the session is proven at once', () => {
    const { client, clock, log } = clientAfter(toBackoff);
    clock.increment(250);
    for (const event of toUp.slice(1)) client.send(event);
    client.send({ type: 'SESSION_ADVANCED' });
    expect(log.at(-1)).toBe('proven');
    expect(client.context().attemptCount).toBe(0);
  });

  test('switching auto-reconnect off in backoff leads to idle, switching it on changes nothing', () => {
    const { client, clock, log } = clientAfter(toBackoff);
    client.send({ type: 'AUTO_RECONNECT', on: true });
    expect(client.state()).toBe('backoff');
    client.send({ type: 'AUTO_RECONNECT', on: false });
    clock.increment(1_000_000);
    expect(log).toEqual(['backoff→idle']);
  });

  test('switching auto-reconnect on in idle does not dial', () => {
    const { client, log } = clientAfter([], { autoReconnect: false });
    client.send({ type: 'AUTO_RECONNECT', on: true });
    expect([client.state(), log]).toEqual(['idle', []]);
    expect(client.context().autoReconnect).toBe(true);
  });

  test('switching auto-reconnect while up decides about the next loss', () => {
    const { client } = clientAfter(toUp);
    client.send({ type: 'AUTO_RECONNECT', on: false });
    client.send({ type: 'SOCKET_LOST', code: 'line-lost' });
    expect(client.state()).toBe('idle');
  });
});

describe('on request', () => {
  test.each(everywhere)('RECONNECT in $state dials at once with no attempts counted', ({ state, path }) => {
    const { client, log } = clientAfter(path, { autoReconnect: state === 'backoff' });
    client.send({ type: 'RECONNECT' });
    const hadSocket = withSocket.some((each) => each.state === state);
    expect(log.filter((line) => !line.includes('→'))).toEqual(hadSocket ? ['hangUp', 'dial'] : ['dial']);
    expect([client.state(), client.context().attemptCount]).toEqual(['connecting', 0]);
  });

  test('RECONNECT while connecting starts the handshake time anew', () => {
    const { client, clock } = clientAfter(toConnecting);
    clock.increment(9_000);
    client.send({ type: 'RECONNECT' });
    clock.increment(9_999);
    expect(client.state()).toBe('connecting');
    clock.increment(1);
    expect(client.state()).toBe('backoff');
  });

  test.each(everywhere)('DISCONNECT in $state leads to idle and nothing more', ({ state, path }) => {
    const { client, clock, log } = clientAfter(path);
    client.send({ type: 'DISCONNECT' });
    clock.increment(1_000_000);
    const hadSocket = withSocket.some((each) => each.state === state);
    expect(log.filter((line) => !line.includes('→'))).toEqual(hadSocket ? ['hangUp'] : []);
    expect(client.state()).toBe('idle');
  });

  test.each(everywhere)('CLOSE and TERMINATED in $state close for good', ({ state, path }) => {
    for (const event of [{ type: 'CLOSE' }, { type: 'TERMINATED', code: 'replaced' }] as const) {
      const { client, clock, log } = clientAfter(path);
      client.send(event);
      for (const late of [...toUp, { type: 'RECONNECT' } as const]) client.send(late);
      clock.increment(1_000_000);
      const hadSocket = withSocket.some((each) => each.state === state);
      expect(log).toEqual(hadSocket ? [`${state}→closed`, 'hangUp'] : [`${state}→closed`]);
      expect(client.context().cause).toBe(event.type === 'CLOSE' ? 'closed' : 'replaced');
    }
  });

  test('a disconnected client says so, whatever ended the connection before', () => {
    const { client } = clientAfter([...toBackoff, { type: 'RECONNECT' }]);
    expect(client.context().cause).toBe('line-lost');
    client.send({ type: 'DISCONNECT' });
    expect(client.context().cause).toBe('disconnected');
  });
});
