import { describe, expect, test } from 'vitest';
import { stepper } from '../../../src/machines/runner.ts';
import { sessionMachine } from '../../../src/machines/session-life.ts';

const life = stepper(sessionMachine);

test('a session begins attached, without effects', () => {
  expect(life.start).toEqual({ state: 'attached', effects: [], deadline: undefined });
  expect(life.initial).toBe('attached');
});

describe.each([
  ['attached', 'DETACH', 'detached.lingering', ['startLinger']],
  ['attached', 'ATTACH', 'attached', []],
  ['attached', 'HOLD', 'attached', []],
  ['attached', 'RELEASE', 'attached', []],
  ['attached', 'LINGER_OVER', 'attached', []],
  ['attached', 'END', 'ended', ['bury']],
  ['detached.lingering', 'ATTACH', 'attached', ['stopLinger']],
  ['detached.lingering', 'DETACH', 'detached.lingering', []],
  ['detached.lingering', 'HOLD', 'detached.held', ['stopLinger']],
  ['detached.lingering', 'RELEASE', 'detached.lingering', []],
  ['detached.lingering', 'LINGER_OVER', 'ended', ['stopLinger', 'bury']],
  ['detached.lingering', 'END', 'ended', ['stopLinger', 'bury']],
  ['detached.held', 'ATTACH', 'attached', []],
  ['detached.held', 'DETACH', 'detached.held', []],
  ['detached.held', 'HOLD', 'detached.held', []],
  ['detached.held', 'RELEASE', 'detached.lingering', ['continueLinger']],
  ['detached.held', 'LINGER_OVER', 'detached.held', []],
  ['detached.held', 'END', 'ended', ['bury']],
] as const)('a session that is %s', (state, event, next, effects) => {
  test(`on ${event} is ${next} and commands ${effects.join(' and ') || 'nothing'}`, () => {
    expect(life.step(state, event)).toMatchObject({ state: next, effects });
  });
});

test('an ended session stays ended, whatever is said about it', () => {
  for (const event of ['ATTACH', 'DETACH', 'HOLD', 'RELEASE', 'LINGER_OVER', 'END'] as const) {
    expect(life.step('ended', event)).toMatchObject({ state: 'ended', effects: [] });
  }
});
