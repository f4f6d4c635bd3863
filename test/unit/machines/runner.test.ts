import { describe, expect, test } from 'vitest';
import { SimulatedClock, assign, emit, setup } from 'xstate';
import { acceptingMachine } from '../../../src/machines/accepting.ts';
import { diallingMachine } from '../../../src/machines/dialling.ts';
import { actorEngine } from '../../../src/machines/live.ts';
import { runMachine, stepper } from '../../../src/machines/runner.ts';
import { sessionMachine } from '../../../src/machines/session-life.ts';

const lampMachine = setup({
  types: {
    context: {} as { switchCount: number },
    events: {} as { type: 'SWITCH' } | { type: 'BREAK' } | { type: 'DOUBT' },
    emitted: {} as { type: 'light' } | { type: 'dim' } | { type: 'warm' },
  },
  actions: {
    light: emit({ type: 'light' }),
    dim: emit({ type: 'dim' }),
    warm: emit({ type: 'warm' }),
    countSwitch: assign({ switchCount: ({ context }) => context.switchCount + 1 }),
  },
  guards: {
    throws: () => {
      throw new Error('the guard is broken');
    },
  },
  delays: { bulbLife: 1_000 },
}).createMachine({
  id: 'lamp',
  context: { switchCount: 0 },
  initial: 'dark',
  states: {
    dark: { on: { SWITCH: { target: 'lit', actions: 'countSwitch' }, DOUBT: { guard: 'throws', target: 'lit' } } },
    lit: {
      entry: ['light', 'warm'],
      exit: 'dim',
      on: { SWITCH: 'dark', BREAK: 'broken' },
      after: { bulbLife: 'broken' },
    },
    broken: { type: 'final' },
  },
});

type Told = (line: string, send: () => void) => void;

function lamp(told: Told = () => {}) {
  const clock = new SimulatedClock();
  const log: string[] = [];
  const tell = (line: string) => {
    log.push(line);
    told(line, () => running.send({ type: 'SWITCH' }));
  };
  const running = runMachine(lampMachine, {
    input: undefined,
    clock,
    onEffect: (effect) => tell(effect.type),
    onState: (state, previous) => tell(`${previous}→${state}`),
  });
  return { running, clock, log };
}

describe('a machine that runs', () => {
  test('tells the new state, then carries out its effects in order, before send returns', () => {
    const { running, log } = lamp();
    running.send({ type: 'SWITCH' });
    expect(log).toEqual(['dark→lit', 'light', 'warm']);
    expect([running.state(), running.context()]).toEqual(['lit', { switchCount: 1 }]);
  });

  test('an event sent by an effect waits until the effects before it are carried out', () => {
    const { log, running } = lamp((line, send) => {
      if (line === 'light' && running.context().switchCount === 1) send();
    });
    running.send({ type: 'SWITCH' });
    expect(log).toEqual(['dark→lit', 'light', 'warm', 'lit→dark', 'dim']);
  });

  test('an event sent when a state is told waits for the effects of that state', () => {
    const { log, running } = lamp((line, send) => {
      if (line === 'dark→lit' && running.context().switchCount === 1) send();
    });
    running.send({ type: 'SWITCH' });
    expect(log).toEqual(['dark→lit', 'light', 'warm', 'lit→dark', 'dim']);
  });

  test('a delay runs on the given clock, and its effects come in the same order', () => {
    const { running, clock, log } = lamp();
    running.send({ type: 'SWITCH' });
    clock.increment(1_000);
    expect(log.slice(3)).toEqual(['lit→broken', 'dim']);
  });

  test('ignores events after its final state', () => {
    const { running, log } = lamp();
    running.send({ type: 'SWITCH' });
    running.send({ type: 'BREAK' });
    running.send({ type: 'SWITCH' });
    expect([running.state(), log.at(-1)]).toEqual(['broken', 'dim']);
  });

  test('stop ends it at once: no timer, no effect, no state', () => {
    const { running, clock, log } = lamp((line) => {
      if (line === 'light') running.stop();
    });
    running.send({ type: 'SWITCH' });
    running.send({ type: 'SWITCH' });
    clock.increment(1_000_000);
    expect(log).toEqual(['dark→lit', 'light']);
    running.stop();
  });

  test('stop clears the timer that is armed', () => {
    const armed = new Set<number>();
    const running = runMachine(acceptingMachine, {
      input: { handshakeMs: 10_000 },
      clock: {
        setTimeout: (_fire, delayMs) => (armed.add(delayMs), delayMs),
        clearTimeout: (ticket) => void armed.delete(ticket as number),
      },
      onEffect: () => {},
      onState: () => {},
    });
    expect([...armed]).toEqual([10_000]);
    running.stop();
    expect(armed.size).toBe(0);
  });

  test('what an effect throws stops it and comes out of send', () => {
    const { running, clock, log } = lamp((line) => {
      if (line === 'light') throw new Error('the socket is on fire');
    });
    expect(() => running.send({ type: 'SWITCH' })).toThrow('the socket is on fire');
    clock.increment(1_000_000);
    running.send({ type: 'SWITCH' });
    expect(log).toEqual(['dark→lit', 'light']);
  });

  test('what an effect throws after a delay comes out of the clock', () => {
    const { running, clock } = lamp((line) => {
      if (line === 'dim') throw new Error('the socket is on fire');
    });
    running.send({ type: 'SWITCH' });
    expect(() => clock.increment(1_000)).toThrow('the socket is on fire');
  });

  test('what the machine itself throws comes out of send', () => {
    const { running } = lamp();
    expect(() => running.send({ type: 'DOUBT' })).toThrow('the guard is broken');
    running.send({ type: 'SWITCH' });
    expect(running.state()).toBe('dark');
  });

  test('can be watched by an inspector that is attached while it runs', () => {
    const running = runMachine(
      lampMachine,
      { input: undefined, clock: new SimulatedClock(), onEffect: () => {}, onState: () => {} },
      actorEngine,
    );
    const seen: string[] = [];
    running.actor?.system.inspect((event) => {
      if (event.type === '@xstate.event') seen.push(event.event.type);
    });
    running.send({ type: 'SWITCH' });
    expect(seen).toContain('SWITCH');
  });

  test('takes only the events of its machine', () => {
    const { running } = lamp();
    // @ts-expect-error: a lamp has no such event
    running.send({ type: 'CONNECT' });
    expect(running.state()).toBe('dark');
  });
});

describe('a machine as a table', () => {
  test('refuses a machine with a context or a guard', () => {
    expect(() => stepper(acceptingMachine)).toThrow('accepting cannot be stepped: it has a context');
    expect(() => stepper(diallingMachine)).toThrow('dialling cannot be stepped: it has a context');
    const choosy = setup({ types: { events: {} as { type: 'GO' } }, guards: { may: () => true } }).createMachine({
      id: 'choosy',
      initial: 'here',
      states: { here: { on: { GO: { guard: 'may', target: 'there' } } }, there: {} },
    });
    expect(() => stepper(choosy)).toThrow('choosy cannot be stepped: it has a guard');
  });

  test('refuses a machine with an action other than emit', () => {
    const chatty = setup({ types: { events: {} as { type: 'GO' } }, actions: { talk: () => {} } }).createMachine({
      id: 'chatty',
      on: { GO: { actions: 'talk' } },
    });
    expect(() => stepper(chatty)).toThrow('chatty cannot be stepped: it has the action talk');
  });

  test('hands out the same step each time', () => {
    const life = stepper(sessionMachine);
    expect(life.step('attached', 'DETACH')).toBe(life.step('attached', 'DETACH'));
  });

  test('throws for a state or an event that the machine does not have', () => {
    const life = stepper(sessionMachine);
    expect(() => life.step('asleep', 'DETACH')).toThrow('session: expected a state and an event of the machine');
    // @ts-expect-error: a session has no such event
    expect(() => life.step('attached', 'CONNECT')).toThrow('got attached and CONNECT');
  });
});
