/** Machines as users write them: each shows something that an export could lose. */
import {
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromPromise,
  log,
  not,
  or,
  raise,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
} from 'xstate';
import type { AnyStateMachine } from 'xstate';

const shared = (): boolean => true;

const player = setup({
  types: { context: {} as { volume: number; at: number }, input: {} as { volume: number } },
  actions: {
    log: (_, params: { text: string }) => void params,
    louder: assign({ volume: ({ context }) => context.volume + 1 }),
    quiet: assign({ volume: 0 }),
    many: enqueueActions(({ enqueue }) => {
      enqueue.assign({ at: 1 });
    }),
    stop: cancel('tick'),
  },
  guards: {
    louderThan: ({ context }, params: { least: number }) => context.volume > params.least,
    isQuiet: ({ context }) => context.volume === 0,
    fits: and(['isQuiet', not({ type: 'louderThan', params: { least: 3 } })]),
  },
  delays: { short: 50, fade: ({ context }) => context.volume * 10, later: () => 0 },
  actors: { load: fromPromise(async () => ({ at: 1 })), listen: fromCallback(() => {}) },
}).createMachine({
  id: 'player',
  context: ({ input }) => ({ volume: input.volume, at: 0 }),
  type: 'parallel',
  description: 'A player; it\'s "parallel" \\ and says so: a; b',
  states: {
    sound: {
      initial: 'on',
      states: {
        on: {
          tags: ['audible', 'green'],
          on: {
            MUTE: { guard: { type: 'louderThan', params: { least: 2 } }, target: 'off', actions: 'quiet' },
            'VOLUME.UP': { actions: ['louder', { type: 'log', params: { text: 'up' } }] },
            'VOLUME.*': { actions: 'many' },
          },
        },
        off: { tags: 'silent', on: { MUTE: 'on', '*': { guard: 'fits', target: 'on', reenter: true } } },
      },
    },
    film: {
      initial: 'empty',
      states: {
        empty: { on: { LOAD: 'loading' } },
        loading: {
          invoke: {
            src: 'load',
            id: 'loader',
            onDone: { target: 'ready', actions: 'louder' },
            onError: [{ guard: 'isQuiet', target: 'empty' }, { target: 'failed' }],
          },
          after: { short: { guard: not('isQuiet'), target: 'empty' }, 2000: 'failed' },
        },
        ready: {
          initial: 'paused',
          entry: 'stop',
          onDone: 'empty',
          on: { LOAD: { target: 'loading', description: 'once more' }, BACK: '.last' },
          states: {
            paused: { on: { PLAY: 'playing' }, exit: 'quiet' },
            playing: { on: { PAUSE: 'paused', END: 'over' }, after: { fade: '#player.film.failed' } },
            over: { type: 'final' },
            last: { type: 'history', history: 'deep', target: 'paused' },
          },
        },
        failed: {
          meta: { severity: 'high', list: [1, undefined, null] },
          on: { LOAD: undefined, RESET: 'ready.last' },
        },
      },
    },
  },
});

const inline = createMachine({
  id: 'inline',
  context: { count: 0, on: true },
  initial: 'a',
  on: { 'RESET.all': { target: '#middle\\.of', actions: assign({ count: 0 }) } },
  states: {
    a: {
      entry: [() => {}, assign({ count: ({ context }) => (context as { count: number }).count + 1 }), log('in a')],
      exit: function leaveIt() {},
      on: {
        GO: [
          { guard: ({ context }) => (context as { count: number }).count > 3, target: 'b' },
          { guard: shared, target: 'c', actions: raise({ type: 'PING' }, { delay: 10, id: 'ping' }) },
        ],
        PING: {
          actions: [raise({ type: 'PONG', x: 1 }), raise({ type: 'PONG', x: 2 }), raise({ type: 'PONG', x: 1 })],
        },
        PONG: { guard: not(shared), target: 'a', reenter: true },
      },
    },
    b: {
      id: 'middle.of',
      always: [
        { guard: stateIn('c'), target: 'c' },
        { guard: or([shared, 'named']), target: 'c' },
      ],
    },
    c: {
      invoke: [
        { src: fromCallback(() => {}), onError: '#inline.a' },
        { src: createMachine({ id: 'child' }), id: 'kid', input: { deep: { list: ['x'] } }, onDone: 'end' },
      ],
      entry: [sendTo('kid', { type: 'HELLO' }), emit({ type: 'seen' }), emit(() => ({ type: 'made' }))],
      exit: stopChild('kid'),
      on: { '*': 'b', SPAWN: { actions: spawnChild(fromCallback(() => {})) } },
    },
    end: { type: 'final', output: { code: 7 } },
  },
  output: ({ context }: { context: unknown }) => context,
});

const odd = createMachine({
  id: 'odd "one"; {x}',
  context: { at: new Date(0), list: new Map([['a', 1]]), big: 5n, none: undefined, not: Number.NaN, make: () => 1 },
  initial: 'state',
  states: {
    state: { on: { 'a:b;c#d "e" [f] {g} <h> `i` %%j -->': 'end' } },
    end: { on: { X: 'with space' } },
    'with space': { on: { Y: '1' } },
    1: {
      initial: 'state',
      states: { state: { on: { Z: 'a-b' } }, 'a-b': { on: { Z: '#odd "one"; {x}' } }, 'a b': {} },
    },
    note: { type: 'history' },
  },
} as never) as AnyStateMachine;

const bare = createMachine({});

const initialAsObject = createMachine({
  initial: { target: 'x', actions: 'begin' },
  version: '1.2.3',
  states: {
    x: {
      on: { DEEP: '.two.inner' },
      initial: 'one',
      states: { one: {}, two: { initial: 'inner', states: { inner: {} } } },
    },
    y: { on: { UP: [{ guard: 'nowhere', target: ['x'] }, { actions: 'unknown' }] } },
  },
} as never) as AnyStateMachine;

/** The machines by what they are called; what some of them are started with. */
export const zoo: Readonly<Record<string, { readonly machine: AnyStateMachine; readonly input?: unknown }>> = {
  player: { machine: player, input: { volume: 3 } },
  inline: { machine: inline },
  odd: { machine: odd },
  bare: { machine: bare },
  'initial as an object': { machine: initialAsObject },
};
