// A machine that was worked out does what XState does with it: ours under random events and times, and random machines.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AnyStateMachine, assign, emit, setup } from 'xstate';
import { acceptingMachine } from '../../src/machines/accepting.ts';
import { diallingMachine } from '../../src/machines/dialling.ts';
import { type MachineClock, actorEngine, quickEngine } from '../../src/machines/live.ts';
import { runMachine } from '../../src/machines/runner.ts';

/** Virtual time; its timers fire in the order of their times, those of one time in the order in which they were set. */
class Timeline implements MachineClock {
  readonly #timers = new Map<number, { readonly atMs: number; readonly fire: () => void }>();
  #ticket = 0;
  nowMs = 0;

  setTimeout(fire: () => void, delayMs: number): number {
    this.#timers.set(++this.#ticket, { atMs: this.nowMs + delayMs, fire });
    return this.#ticket;
  }

  clearTimeout(ticket: number): void {
    this.#timers.delete(ticket);
  }

  /** When timers are due, in order. */
  get due(): number[] {
    return [...this.#timers.values()].map(({ atMs }) => atMs).toSorted((one, other) => one - other);
  }

  advance(forMs: number): void {
    const endMs = this.nowMs + forMs;
    for (;;) {
      const [next] = [...this.#timers]
        .filter(([, { atMs }]) => atMs <= endMs)
        .toSorted(([, a], [, b]) => a.atMs - b.atMs);
      if (next === undefined) break;
      this.#timers.delete(next[0]);
      this.nowMs = next[1].atMs;
      next[1].fire();
    }
    this.nowMs = endMs;
  }
}

interface AnyEvent {
  readonly type: string;
}

type Step = AnyEvent | { readonly pauseMs: number };

/** Everything that can be seen of a run, step by step. */
function runOf(
  machine: AnyStateMachine,
  engine: typeof quickEngine,
  input: unknown,
  steps: readonly Step[],
  reactions: readonly (AnyEvent | undefined)[],
): unknown[] {
  const clock = new Timeline();
  const log: unknown[] = [];
  let reaction = 0;
  const react = (): void => {
    const event = reactions[reaction++];
    if (event !== undefined) running.send(event);
  };
  const running = runMachine(
    machine,
    {
      input: input as never,
      clock,
      onEffect: (effect) => {
        log.push(effect);
        react();
      },
      onState: (state, previous) => void log.push(`${String(previous)} -> ${String(state)}`),
    },
    engine,
  );
  const look = (): void => void log.push([running.state(), running.context(), clock.due]);
  look();
  for (const step of steps) {
    if ('pauseMs' in step) clock.advance(step.pauseMs);
    else running.send(step);
    look();
  }
  running.stop();
  look();
  return log;
}

function expectAlike(
  machine: AnyStateMachine,
  input: unknown,
  steps: readonly Step[],
  reactions: readonly (AnyEvent | undefined)[] = [],
): void {
  expect(runOf(machine, quickEngine, input, steps, reactions)).toEqual(
    runOf(machine, actorEngine, input, steps, reactions),
  );
}

const code = fc.constantFrom('line-lost', 'silent', 'overloaded');
const pause = fc.record({ pauseMs: fc.oneof(fc.nat(2_000), fc.nat(40_000)) });

const diallingEvent = fc.oneof(
  fc.constantFrom('CONNECT', 'SOCKET_OPEN', 'WELCOMED').map((type) => ({ type })),
  fc.constantFrom('SESSION_ADVANCED', 'DISCONNECT', 'RECONNECT').map((type) => ({ type })),
  fc.record({ type: fc.constantFrom('SOCKET_LOST', 'REFUSED'), code }),
  fc.record({ type: fc.constant('REDIAL_PLANNED'), delayMs: fc.nat(30_000) }),
  fc.record({ type: fc.constant('AUTO_RECONNECT'), on: fc.boolean() }),
);
const closingEvent = fc.oneof(fc.constant({ type: 'CLOSE' }), fc.record({ type: fc.constant('TERMINATED'), code }));

describe('a machine that was worked out does what XState does:', () => {
  it('the dialling one', () => {
    const step = fc.oneof(
      { weight: 30, arbitrary: diallingEvent },
      { weight: 15, arbitrary: pause },
      { weight: 1, arbitrary: closingEvent },
    );
    const reactions = fc.array(fc.option(fc.oneof(diallingEvent, closingEvent), { nil: undefined, freq: 3 }));
    fc.assert(
      fc.property(fc.boolean(), fc.array(step, { maxLength: 60 }), reactions, (autoReconnect, steps, world) =>
        expectAlike(diallingMachine, { autoReconnect, handshakeMs: 10_000, stableMs: 8_000 }, steps, world),
      ),
      { numRuns: 700 },
    );
  });

  it('the accepting one', () => {
    const event = fc.oneof(
      fc.constantFrom('WELCOMED', 'RELAYED').map((type) => ({ type })),
      fc.record({ type: fc.constantFrom('HELLO_REFUSED', 'SOCKET_LOST', 'CLOSE'), code }),
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(event, pause), { maxLength: 12 }), (steps) =>
        expectAlike(acceptingMachine, { handshakeMs: 10_000 }, steps),
      ),
      { numRuns: 300 },
    );
  });

  it('random ones of two levels, with guards, delays, entries, exits and an end', () => {
    const leaves = ['a', 'b', 'c.x', 'c.y', 'd.x', 'd.y'];
    const action = fc.constantFrom('count', 'mark', 'say', 'tell');
    const actions = fc.array(action, { maxLength: 3 });
    const target = fc.option(fc.constantFrom(...leaves, 'c', 'd', 'end'), { nil: undefined, freq: 4 });
    const way = fc.record({ target, actions, isGuarded: fc.boolean(), reenter: fc.boolean() });
    const node = fc.record({
      entry: actions,
      exit: actions,
      on: fc.dictionary(fc.constantFrom('GO', 'TURN', 'BACK'), fc.array(way, { minLength: 1, maxLength: 2 }), {
        maxKeys: 3,
      }),
      after: fc.option(way, { nil: undefined }),
    });
    type Way = { target: string | undefined; actions: string[]; isGuarded: boolean; reenter: boolean };
    type Node = { entry: string[]; exit: string[]; on: Record<string, Way[]>; after: Way | undefined };
    const configOf = (own: string, { target: to, actions: done, isGuarded, reenter }: Way): object => ({
      ...(to === undefined ? {} : { target: `#random.${to}`, reenter: reenter || to === own }),
      actions: done,
      ...(isGuarded ? { guard: 'isEven' } : {}),
    });
    const stateOf = (own: string, { entry, exit, on, after }: Node): object => ({
      entry,
      exit,
      on: Object.fromEntries(Object.entries(on).map(([type, ways]) => [type, ways.map((each) => configOf(own, each))])),
      ...(after === undefined ? {} : { after: { [own.includes('.') ? 'inner' : 'outer']: configOf(own, after) } }),
    });
    const names = ['a', 'b', 'c', 'c.x', 'c.y', 'd', 'd.x', 'd.y'];
    const event = fc.constantFrom('GO', 'TURN', 'BACK', 'NOBODY').map((type) => ({ type }));
    fc.assert(
      fc.property(
        fc.tuple(...names.map(() => node)),
        fc.array(fc.oneof(event, fc.record({ pauseMs: fc.nat(900) })), { maxLength: 25 }),
        (nodes, steps) => {
          const of = (name: string): object => stateOf(name, nodes[names.indexOf(name)] as Node);
          const config = {
            id: 'random',
            context: { count: 0, marks: '' },
            initial: 'a',
            states: {
              a: of('a'),
              b: of('b'),
              c: { ...of('c'), initial: 'x', states: { x: of('c.x'), y: of('c.y') } },
              d: { ...of('d'), initial: 'y', states: { x: of('d.x'), y: of('d.y') } },
              end: { type: 'final' as const, entry: 'say' },
            },
          };
          const machine = setup({
            types: { context: {} as { count: number; marks: string } },
            actions: {
              count: assign({ count: ({ context }) => context.count + 1 }),
              mark: assign({ marks: ({ context, event: { type } }) => `${context.marks}${type[0]}`.slice(-9) }),
              say: emit({ type: 'said' }),
              tell: emit(({ context }) => ({ type: 'told', count: context.count })),
            },
            guards: { isEven: ({ context }) => context.count % 2 === 0 },
            delays: { inner: 170, outer: ({ context }) => 300 + context.count },
          }).createMachine(config as never);
          expectAlike(machine as unknown as AnyStateMachine, undefined, steps);
        },
      ),
      { numRuns: 1_500 },
    );
  });
});

describe('a machine that cannot be worked out', () => {
  it.each([
    ['an invoked actor', { initial: 'a', states: { a: { invoke: { src: 'x' } } } }, 'has more in'],
    ['regions', { type: 'parallel', states: { a: {}, b: {} } }, 'has more in'],
    ['a transition that is always taken', { initial: 'a', states: { a: { always: 'b' }, b: {} } }, 'has more in'],
    ['an action of its own', { initial: 'a', states: { a: { entry: () => {} } } }, 'neither assigns nor emits'],
    ['a way to itself', { initial: 'a', states: { a: { on: { GO: 'a' } } } }, 'without reenter'],
  ])('is refused: one with %s', (_what, config, sentence) => {
    const machine = setup({}).createMachine({ id: 'odd', ...config } as never) as unknown as AnyStateMachine;
    const options = { input: undefined as never, clock: new Timeline(), onEffect: () => {}, onState: () => {} };
    expect(() => runMachine(machine, options)).toThrow(sentence);
  });
});
