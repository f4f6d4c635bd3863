// The machines under random events and random time: what must hold whatever happens in whatever order.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { initialTransition, transition } from 'xstate';
import { acceptingMachine } from '../../src/machines/accepting.ts';
import type { AcceptingEvent } from '../../src/machines/accepting.ts';
import { diallingMachine } from '../../src/machines/dialling.ts';
import type { DiallingEffect, DiallingEvent } from '../../src/machines/dialling.ts';
import { runMachine, stepper } from '../../src/machines/runner.ts';
import type { MachineClock } from '../../src/machines/runner.ts';
import { sessionMachine } from '../../src/machines/session-life.ts';
import { shardMachine } from '../../src/machines/shard-life.ts';

/** Virtual time that fires each timer at its own moment and knows how many are pending. */
class VirtualClock implements MachineClock {
  readonly #timers = new Map<number, { readonly at: number; readonly fire: () => void }>();
  #ticket = 0;
  now = 0;

  setTimeout(fire: () => void, delayMs: number): number {
    this.#timers.set(++this.#ticket, { at: this.now + delayMs, fire });
    return this.#ticket;
  }

  clearTimeout(ticket: number): void {
    this.#timers.delete(ticket);
  }

  get pending(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const end = this.now + ms;
    for (let due = this.#due(end); due !== undefined; due = this.#due(end)) {
      const [ticket, timer] = due;
      this.#timers.delete(ticket);
      this.now = timer.at;
      timer.fire();
    }
    this.now = end;
  }

  #due(end: number) {
    const due = [...this.#timers].filter(([, timer]) => timer.at <= end);
    return due.sort(([, a], [, b]) => a.at - b.at)[0];
  }
}

const code = fc.constantFrom('line-lost', 'silent', 'overloaded');
const delayMs = fc.nat(30_000);

const HANDSHAKE_MS = 10_000;
const STABLE_MS = 8_000;

const diallingEvent: fc.Arbitrary<DiallingEvent> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('CONNECT', 'SOCKET_OPEN', 'WELCOMED').map((type) => ({ type })) },
  { weight: 2, arbitrary: fc.constantFrom('SESSION_ADVANCED', 'DISCONNECT', 'RECONNECT').map((type) => ({ type })) },
  { weight: 3, arbitrary: fc.record({ type: fc.constantFrom('SOCKET_LOST', 'REFUSED'), code }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('REDIAL_PLANNED'), delayMs }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('AUTO_RECONNECT'), on: fc.boolean() }) },
);
const closingEvent: fc.Arbitrary<DiallingEvent> = fc.oneof(
  fc.constant({ type: 'CLOSE' } as const),
  fc.record({ type: fc.constant('TERMINATED'), code }),
);
const pause = fc.record({ pauseMs: fc.oneof(fc.nat(2_000), fc.nat(40_000)) });
const diallingStep = fc.oneof(
  { weight: 30, arbitrary: diallingEvent },
  { weight: 15, arbitrary: pause },
  { weight: 1, arbitrary: closingEvent },
);

/** What the world does at once when an effect is carried out, in turn; `undefined` is nothing. */
const reactions = fc.infiniteStream(fc.option(fc.oneof(diallingEvent, closingEvent), { nil: undefined, freq: 6 }));

const nextWords: Readonly<Record<string, readonly string[]>> = {
  idle: ['connecting', 'closed'],
  connecting: ['authenticating', 'backoff', 'idle', 'closed'],
  authenticating: ['up', 'backoff', 'idle', 'connecting', 'closed'],
  up: ['backoff', 'idle', 'connecting', 'closed'],
  backoff: ['connecting', 'idle', 'closed'],
  closed: [],
};

describe('a dialling connection', () => {
  test('dial and hang-up pair up, no state outlives its deadline, and closed leaves nothing behind', () => {
    fc.assert(
      fc.property(
        fc.boolean(),
        fc.array(diallingStep, { maxLength: 60 }),
        reactions,
        fc.boolean(),
        (autoReconnect, steps, world, plans) => {
          const clock = new VirtualClock();
          let hasSocket = false;
          let enteredAt = 0;
          let word = 'idle';
          const carryOut = (effect: DiallingEffect): void => {
            switch (effect.type) {
              case 'dial':
                expect([hasSocket, word]).toEqual([false, 'connecting']);
                hasSocket = true;
                enteredAt = clock.now;
                break;
              case 'greet':
                expect([hasSocket, word]).toEqual([true, 'authenticating']);
                break;
              case 'hangUp':
                expect(hasSocket).toBe(true);
                expect(client.context().cause).toBeDefined();
                hasSocket = false;
                break;
              case 'planRedial':
                expect([hasSocket, word]).toEqual([false, 'backoff']);
                expect(client.context().attemptCount).toBeGreaterThan(0);
                if (plans) client.send({ type: 'REDIAL_PLANNED', delayMs: 5_000 });
                break;
              case 'proven':
                expect([hasSocket, word, client.context().attemptCount]).toEqual([true, 'up', 0]);
                break;
            }
            const reaction = world.next().value;
            if (reaction !== undefined) client.send(reaction);
          };
          const client = runMachine(diallingMachine, {
            input: { autoReconnect, handshakeMs: HANDSHAKE_MS, stableMs: STABLE_MS },
            clock,
            onEffect: carryOut,
            onState: (state, previous) => {
              expect(previous).toBe(word);
              expect(nextWords[previous]).toContain(state);
              word = state;
              enteredAt = clock.now;
            },
          });
          for (const step of steps) {
            if ('pauseMs' in step) clock.advance(step.pauseMs);
            else client.send(step);
            expect(client.state()).toBe(word);
            expect(hasSocket).toBe(['connecting', 'authenticating', 'up'].includes(word));
            expect(clock.pending).toBeLessThanOrEqual(word === 'idle' || word === 'closed' ? 0 : 1);
            if (word === 'connecting' || word === 'authenticating') {
              expect(clock.pending).toBe(1);
              expect(clock.now - enteredAt).toBeLessThan(HANDSHAKE_MS);
            }
            if (word === 'backoff') {
              expect(clock.pending).toBe(1);
              expect(client.context().autoReconnect).toBe(true);
              expect(clock.now - enteredAt).toBeLessThanOrEqual(Math.max(1_000, client.context().redialMs));
            }
          }
          client.stop();
          expect(clock.pending).toBe(0);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('once the line heals it gets up again, whatever happened before, unless it was told not to', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(diallingEvent, pause), { maxLength: 40 }), (steps) => {
        const clock = new VirtualClock();
        let isHealed = false;
        const client = runMachine(diallingMachine, {
          input: { autoReconnect: true, handshakeMs: HANDSHAKE_MS, stableMs: STABLE_MS },
          clock,
          onEffect: ({ type }) => {
            if (type === 'planRedial') client.send({ type: 'REDIAL_PLANNED', delayMs: 20_000 });
            if (type === 'dial' && isHealed) client.send({ type: 'SOCKET_OPEN' });
            if (type === 'greet' && isHealed) client.send({ type: 'WELCOMED' });
          },
          onState: () => {},
        });
        for (const step of steps) {
          if ('pauseMs' in step) clock.advance(step.pauseMs);
          else client.send(step);
        }
        const stays = client.state() === 'idle' || !client.context().autoReconnect;
        isHealed = true;
        clock.advance(HANDSHAKE_MS + 30_000 + HANDSHAKE_MS);
        if (!stays) expect(client.state()).toBe('up');
        else expect(['idle', 'up']).toContain(client.state());
        clock.advance(STABLE_MS);
        if (client.state() === 'up') expect(client.context().attemptCount).toBe(0);
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('an accepting connection', () => {
  const event: fc.Arbitrary<AcceptingEvent> = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ type: 'WELCOMED' } as const) },
    { weight: 1, arbitrary: fc.record({ type: fc.constantFrom('HELLO_REFUSED', 'SOCKET_LOST', 'CLOSE'), code }) },
  );

  test('hangs up exactly once, is up or closed after the handshake time, and leaves no timer', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(event, pause), { maxLength: 12 }), (steps) => {
        const clock = new VirtualClock();
        const log: string[] = [];
        const server = runMachine(acceptingMachine, {
          input: { handshakeMs: HANDSHAKE_MS },
          clock,
          onEffect: ({ type }) => void log.push(type),
          onState: (state) => void log.push(state),
        });
        for (const step of steps) {
          if ('pauseMs' in step) clock.advance(step.pauseMs);
          else server.send(step);
          expect(clock.pending).toBe(server.state() === 'authenticating' ? 1 : 0);
          if (server.state() === 'authenticating') expect(clock.now).toBeLessThan(HANDSHAKE_MS);
        }
        clock.advance(HANDSHAKE_MS);
        const closing = ['closed', 'hangUp'];
        expect([[...closing], ['up'], ['up', ...closing]]).toContainEqual(log);
        expect(log.at(-1)).toBe(server.state() === 'up' ? 'up' : 'hangUp');
        if (server.state() === 'closed') expect(server.context().cause).toBeDefined();
        expect(clock.pending).toBe(0);
      }),
      { numRuns: 1_000 },
    );
  });
});

const sessionEvent = fc.constantFrom('ATTACH', 'DETACH', 'HOLD', 'RELEASE', 'LINGER_OVER', 'END' as const);
const shardEvent = fc.constantFrom(
  'READY',
  'READY',
  'CRASHED',
  'HUNG',
  'DRAIN',
  'DRAINED',
  'RESTART',
  'BUDGET_SPENT',
  'STOP' as const,
);

describe('the life of a session', () => {
  test('the linger clock runs exactly while it lingers, and it is buried exactly once', () => {
    const life = stepper(sessionMachine);
    fc.assert(
      fc.property(fc.array(sessionEvent, { maxLength: 30 }), (events) => {
        let state = life.initial;
        let isCounting = false;
        let hasStarted = false;
        let burials = 0;
        for (const event of events) {
          const step = life.step(state, event);
          for (const effect of step.effects) {
            if (effect === 'bury') burials += 1;
            else expect(isCounting).toBe(effect === 'stopLinger');
            if (effect === 'continueLinger') expect(hasStarted).toBe(true);
            if (effect === 'startLinger') hasStarted = true;
            if (effect !== 'bury') isCounting = effect !== 'stopLinger';
          }
          state = step.state;
          expect(isCounting).toBe(state === 'detached.lingering');
          expect(burials).toBe(state === 'ended' ? 1 : 0);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('the life of a shard', () => {
  test('there is one thread at most, each is killed or crashed, and sockets are dealt only while it serves', () => {
    const life = stepper(shardMachine);
    fc.assert(
      fc.property(fc.array(fc.oneof(shardEvent, fc.constant('expire' as const)), { maxLength: 40 }), (events) => {
        let step = life.start;
        let hasThread = false;
        let isOpen = false;
        const carryOut = (effect: (typeof step.effects)[number]): void => {
          if (effect === 'spawn' || effect === 'kill') {
            expect(hasThread).toBe(effect === 'kill');
            hasThread = effect === 'spawn';
          }
          if (effect === 'open' || effect === 'shut') {
            expect(isOpen).toBe(effect === 'shut');
            isOpen = effect === 'open';
          }
          if (effect === 'drain') expect([hasThread, isOpen]).toEqual([true, false]);
          if (effect === 'planRestart' || effect === 'leaveHash') expect([hasThread, isOpen]).toEqual([false, false]);
        };
        for (const effect of step.effects) carryOut(effect);
        for (const event of events) {
          if (event === 'expire' && step.deadline === undefined) continue;
          if (event === 'CRASHED' && !hasThread) continue;
          if (event === 'CRASHED') hasThread = false;
          step = event === 'expire' ? life.expire(step.state) : life.step(step.state, event);
          for (const effect of step.effects) carryOut(effect);
          expect(hasThread).toBe(['starting', 'serving', 'draining'].includes(step.state));
          expect(isOpen).toBe(step.state === 'serving');
          expect(step.deadline).toBe(
            { starting: 'startup', draining: 'drain', restarting: 'restartDelay' }[step.state],
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('a machine as a table', () => {
  const effectsOf = (actions: readonly { readonly type: string; readonly params?: unknown }[]) =>
    actions
      .filter((action) => action.type === 'xstate.emit')
      .map((action) => (action.params as { event: { type: string } }).event.type);
  const pathOf = (value: unknown): string =>
    typeof value === 'string'
      ? value
      : Object.entries(value as object)
          .map(([word, inner]) => `${word}.${pathOf(inner)}`)
          .join();

  test('a session steps by the table as it does by XState itself', () => {
    const life = stepper(sessionMachine);
    fc.assert(
      fc.property(fc.array(sessionEvent, { maxLength: 30 }), (types) => {
        let [snapshot] = initialTransition(sessionMachine);
        let state = life.initial;
        for (const type of types) {
          if (snapshot.status !== 'active') return;
          const [next, actions] = transition(sessionMachine, snapshot, { type });
          const step = life.step(state, type);
          expect([step.state, step.effects]).toEqual([pathOf(next.value), effectsOf(actions)]);
          snapshot = next;
          state = step.state;
        }
      }),
      { numRuns: 300 },
    );
  });

  test('a shard steps by the table as it does by XState itself', () => {
    const life = stepper(shardMachine);
    fc.assert(
      fc.property(fc.array(shardEvent, { maxLength: 30 }), (types) => {
        let [snapshot, actions] = initialTransition(shardMachine);
        let step = life.start;
        for (const type of types) {
          expect([step.state, step.effects]).toEqual([pathOf(snapshot.value), effectsOf(actions)]);
          if (snapshot.status !== 'active') return;
          [snapshot, actions] = transition(shardMachine, snapshot, { type });
          step = life.step(step.state, type);
        }
      }),
      { numRuns: 300 },
    );
  });
});
