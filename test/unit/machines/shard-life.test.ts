import { describe, expect, test } from 'vitest';
import { stepper } from '../../../src/machines/runner.ts';
import { shardMachine } from '../../../src/machines/shard-life.ts';

const life = stepper(shardMachine);

test('a shard begins by starting a thread, and not for ever', () => {
  expect(life.start).toEqual({ state: 'starting', effects: ['spawn'], deadline: 'startup' });
});

describe.each([
  ['starting', 'READY', 'serving', ['open']],
  ['starting', 'CRASHED', 'restarting', ['planRestart']],
  ['starting', 'HUNG', 'restarting', ['kill', 'planRestart']],
  ['starting', 'DRAIN', 'stopped', ['kill']],
  ['starting', 'STOP', 'stopped', ['kill']],
  ['starting', 'RESTART', 'starting', []],
  ['serving', 'CRASHED', 'restarting', ['shut', 'planRestart']],
  ['serving', 'HUNG', 'restarting', ['shut', 'kill', 'planRestart']],
  ['serving', 'DRAIN', 'draining', ['shut', 'drain']],
  ['serving', 'RESTART', 'starting', ['shut', 'kill', 'spawn']],
  ['serving', 'STOP', 'stopped', ['shut', 'kill']],
  ['serving', 'READY', 'serving', []],
  ['draining', 'DRAINED', 'stopped', ['kill']],
  ['draining', 'CRASHED', 'stopped', []],
  ['draining', 'HUNG', 'stopped', ['kill']],
  ['draining', 'STOP', 'stopped', ['kill']],
  ['draining', 'RESTART', 'draining', []],
  ['restarting', 'RESTART', 'starting', ['spawn']],
  ['restarting', 'BUDGET_SPENT', 'stopped', ['leaveHash']],
  ['restarting', 'DRAIN', 'stopped', []],
  ['restarting', 'STOP', 'stopped', []],
  ['restarting', 'CRASHED', 'restarting', []],
] as const)('a shard that is %s', (state, event, next, effects) => {
  test(`on ${event} is ${next} and commands ${effects.join(' and ') || 'nothing'}`, () => {
    expect(life.step(state, event)).toMatchObject({ state: next, effects });
  });
});

test('a shard that does not start in time is killed and tried again', () => {
  expect(life.expire('starting')).toEqual({
    state: 'restarting',
    effects: ['kill', 'planRestart'],
    deadline: 'restartDelay',
  });
});

test('a shard that does not drain in time is killed', () => {
  expect(life.step('serving', 'DRAIN').deadline).toBe('drain');
  expect(life.expire('draining')).toEqual({ state: 'stopped', effects: ['kill'], deadline: undefined });
});

test('a shard is spawned again when its restart delay is over', () => {
  expect(life.expire('restarting')).toEqual({ state: 'starting', effects: ['spawn'], deadline: 'startup' });
});

test('a serving shard has no delay that could be over', () => {
  expect(life.step('starting', 'READY').deadline).toBeUndefined();
  expect(() => life.expire('serving')).toThrow('expected a state and an event of the machine, got serving');
});
