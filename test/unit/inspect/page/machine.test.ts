// What a chart shows of a machine's config, with our own machines as the main examples.
import { describe, expect, it } from 'vitest';
import { ANY, chartOf, countIn, edgeOf, isWithin } from '../../../../src/inspect/page/machine.js';
import { acceptingMachine } from '../../../../src/machines/accepting.ts';
import { diallingMachine } from '../../../../src/machines/dialling.ts';

const overTheLine = (config: unknown): Record<string, unknown> =>
  JSON.parse(JSON.stringify(config)) as Record<string, unknown>;
const dialling = chartOf(overTheLine(diallingMachine.config));
const accepting = chartOf(overTheLine(acceptingMachine.config));
const causesOf = (chart: typeof dialling, id: string): string[] | undefined =>
  chart.edges
    .find((edge) => edge.id === id)
    ?.causes.map(({ event, guard }) => (guard === undefined ? event : `${event} [${guard}]`));

describe('the chart of a machine', () => {
  it('has every state with what it is for, nested ones inside their parents', () => {
    expect(dialling.name).toBe('dialling');
    expect(dialling.states.map(({ id }) => id)).toEqual([
      'idle',
      'connecting',
      'authenticating',
      'up',
      'backoff',
      'backoff.planning',
      'backoff.waiting',
      'closed',
    ]);
    const [backoff] = dialling.states.filter(({ id }) => id === 'backoff');
    expect(backoff?.inner).toEqual(['backoff.planning', 'backoff.waiting']);
    expect(backoff?.description).toContain('the next dial is planned');
    expect(dialling.states.filter(({ isInitial }) => isInitial).map(({ id }) => id)).toEqual([
      'idle',
      'backoff.planning',
    ]);
    expect(dialling.states.filter(({ isFinal }) => isFinal).map(({ id }) => id)).toEqual(['closed']);
    expect(dialling.states.find(({ id }) => id === 'backoff.waiting')).toMatchObject({
      name: 'waiting',
      parent: 'backoff',
    });
  });

  it('has one edge for each pair of states, with all events and timers and their guards', () => {
    expect(causesOf(dialling, 'connecting>authenticating')).toEqual(['SOCKET_OPEN']);
    expect(causesOf(dialling, 'up>backoff')).toEqual(['SOCKET_LOST [autoReconnects]', 'REFUSED [autoReconnects]']);
    expect(causesOf(dialling, 'connecting>idle')).toEqual([
      'SOCKET_LOST [else]',
      'REFUSED [else]',
      'after handshake [else]',
    ]);
    expect(causesOf(dialling, 'backoff.waiting>connecting')).toEqual(['after redial']);
  });

  it('draws once what leads from all states to the same one', () => {
    expect(causesOf(dialling, `${ANY}>closed`)?.toSorted()).toEqual(['CLOSE', 'TERMINATED']);
    expect(causesOf(dialling, `${ANY}>connecting`)).toEqual(['RECONNECT']);
    expect(causesOf(dialling, `${ANY}>idle`)).toEqual(['DISCONNECT']);
    expect(dialling.edges.some(({ from, to }) => from !== ANY && to === 'closed')).toBe(false);
  });

  it('gives the events of the root to the states that do not answer them, where they are few', () => {
    expect(causesOf(accepting, 'up>closed')).toEqual(['SOCKET_LOST', 'CLOSE']);
    expect(accepting.edges.some(({ from }) => from === ANY)).toBe(false);
  });

  it('draws what only some of the time leads away from each of its states', () => {
    const maybe = { LOST: { target: 'end', guard: 'mayEnd' } };
    const chart = chartOf({
      initial: 'a',
      states: { a: { on: maybe }, b: { on: maybe }, c: { on: maybe }, end: { type: 'final' } },
    });
    expect(chart.edges.map(({ id }) => id)).toEqual(['a>end', 'b>end', 'c>end']);
  });

  it('does not draw an event of the root from the state that it leads to', () => {
    const chart = chartOf({ initial: 'a', on: { RESET: '.a' }, states: { a: {}, b: {} } });
    expect(chart.edges.map(({ id }) => id)).toEqual(['b>a']);
  });

  it('lists what is answered without leaving', () => {
    const up = dialling.states.find(({ id }) => id === 'up');
    expect(up?.stays).toEqual(['SESSION_ADVANCED', 'after stable', 'AUTO_RECONNECT']);
  });

  it('reads targets as siblings, children and by id, and leaves out what it does not know', () => {
    const chart = chartOf({
      id: 'door',
      initial: 'shut',
      states: {
        shut: {
          on: {
            OPEN: [{ target: 'open', guard: { type: 'unlocked' } }],
            KICK: '#door.open.wide',
            LOST: 'nowhere',
            DUCK: 7,
          },
        },
        open: {
          initial: 'ajar',
          on: { PUSH: '.wide' },
          always: { target: 'shut' },
          states: { ajar: {}, wide: { type: 'final' } },
        },
      },
    });
    expect(chart.edges.map(({ id }) => id)).toEqual(['shut>open', 'shut>open.wide', 'open>open.wide', 'open>shut']);
    expect(causesOf(chart, 'shut>open')).toEqual(['OPEN [unlocked]']);
    expect(chartOf({}).states).toEqual([]);
  });
});

describe('the edge of a step', () => {
  it('leads from the state or one around it to where the step ended', () => {
    const lost = { from: 'up', event: 'SOCKET_LOST', state: 'backoff.waiting' };
    expect(edgeOf(dialling, lost)?.id).toBe('up>backoff');
    expect(edgeOf(dialling, { ...lost, state: 'idle' })?.id).toBe('up>idle');
    expect(edgeOf(dialling, { from: 'backoff.waiting', event: 'AUTO_RECONNECT', state: 'idle' })?.id).toBe(
      'backoff>idle',
    );
  });

  it('is the one from any state where the event leads from all', () => {
    expect(edgeOf(dialling, { from: 'up', event: 'CLOSE', state: 'closed' })?.id).toBe(`${ANY}>closed`);
  });

  it('is the only one left where the machine went on at once, and none for what stays', () => {
    expect(edgeOf(dialling, { from: 'idle', event: 'CONNECT', state: 'authenticating' })?.id).toBe('idle>connecting');
    expect(edgeOf(dialling, { from: 'up', event: 'SESSION_ADVANCED', state: 'up' })).toBeUndefined();
  });
});

describe('counts', () => {
  it('are a state’s own, or those of the states inside it', () => {
    expect(countIn({ up: 3, backoff: 2 }, 'backoff')).toBe(2);
    expect(countIn({ 'backoff.planning': 1, 'backoff.waiting': 4 }, 'backoff')).toBe(5);
    expect(countIn({ up: 3 }, 'idle')).toBe(0);
    expect(isWithin('backoff.waiting', 'backoff')).toBe(true);
    expect(isWithin('backoffs', 'backoff')).toBe(false);
  });
});
