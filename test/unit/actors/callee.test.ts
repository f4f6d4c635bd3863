import { describe, expect, it } from 'vitest';
import { Callee, type Method } from '../../../src/actors/callee.ts';
import { HomingError } from '../../../src/errors.ts';
import { ResultStatus } from '../../../src/session/calls.ts';

const { OK, FAILED, NO_METHOD, TOO_MANY, CANCELLED } = ResultStatus;

/** A callee whose answers are written down as `[seq, status, value]`. */
function scene(callsMax = 10) {
  const callee = new Callee(callsMax);
  const answers: (readonly [seq: number, status: number, value: unknown])[] = [];
  const signals = new Map<number, AbortSignal | undefined>();
  const start = (name: string, args: readonly unknown[] = [], seq = 1, epoch = 1): void => {
    const refusal = callee.refusalOf(name);
    if (refusal !== undefined) return void answers.push([seq, refusal, undefined]);
    const enter = (method: Method): unknown => {
      signals.set(seq, callee.signalOf(seq, epoch));
      return method(...args);
    };
    callee.start([name, ...args], seq, epoch, enter, (status, value) => void answers.push([seq, status, value]));
  };
  return { callee, answers, signals, start };
}

/** Lets promises settle. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe('the methods of an end', () => {
  it('are those of an object and of its class, with their object, a later one in place of an earlier', () => {
    class Counter {
      count = 5;
      own = (): number => this.count + 1;
      next(): number {
        return (this.count += 1);
      }
      hidden(): string {
        return 'of the class';
      }
    }
    class Special extends Counter {
      override hidden(): string {
        return `special, ${super.hidden()}`;
      }
    }
    const { callee, answers, start } = scene();
    callee.expose(new Special());
    for (const name of ['own', 'next', 'hidden']) start(name);
    callee.expose({ next: () => 'another' });
    start('next');
    expect(answers).toEqual([
      [1, OK, 6],
      [1, OK, 6],
      [1, OK, 'special, of the class'],
      [1, OK, 'another'],
    ]);
  });

  it.each([
    'constructor',
    'toString',
    'hasOwnProperty',
    '__proto__',
    'valueOf',
    '__defineGetter__',
    'then',
    'count',
    'accessor',
    '',
  ])('never include %s (D28)', (name) => {
    class Plain {
      count = 1;
      get accessor(): () => string {
        return () => 'not a method';
      }
      plain(): string {
        return 'plain';
      }
    }
    const { callee, answers, start } = scene();
    callee.expose(new Plain());
    callee.expose({ plain: () => 'plain' });
    start(name);
    expect(answers).toEqual([[1, NO_METHOD, undefined]]);
  });

  it('may have any name that the user gave one', () => {
    const { callee, answers, start } = scene();
    callee.expose({ toString: () => 'asked for', _private: () => 'underscore', 'a b': () => 'space' });
    for (const name of ['toString', '_private', 'a b']) start(name);
    expect(answers).toEqual([
      [1, OK, 'asked for'],
      [1, OK, 'underscore'],
      [1, OK, 'space'],
    ]);
  });

  it('are asked for without running a getter of the object', () => {
    const { callee } = scene();
    const trap = {
      get trap(): never {
        throw new Error('was run');
      },
    };
    expect(() => callee.expose(trap)).not.toThrow();
  });

  it.each([undefined, null, 'text', 5, () => {}])('come in an object, not in %s', (methods) => {
    expect(() => scene().callee.expose(methods as never)).toThrow(expect.objectContaining({ code: 'BadOption' }));
  });
});

describe('a call', () => {
  it('is answered with what its method returns, throws, resolves or rejects with', async () => {
    const { callee, answers, start } = scene();
    const failure = new TypeError('no');
    callee.expose({
      returns: (a: unknown, b: unknown) => [a, b],
      throws: () => {
        throw failure;
      },
      resolves: async () => 'later',
      rejects: () => Promise.reject(failure),
      thenable: () => ({ then: (resolve: (value: string) => void) => resolve('of a thenable') }),
      nothing: () => {},
    });
    start('returns', ['x', 2], 1);
    start('throws', [], 2);
    expect(answers).toEqual([
      [1, OK, ['x', 2]],
      [2, FAILED, failure],
    ]);
    start('resolves', [], 3);
    start('rejects', [], 4);
    start('thenable', [], 5);
    start('nothing', [], 6);
    await settle();
    expect(answers.slice(2).toSorted(([a], [b]) => a - b)).toEqual([
      [3, OK, 'later'],
      [4, FAILED, failure],
      [5, OK, 'of a thenable'],
      [6, OK, undefined],
    ]);
    expect(callee.runningCount).toBe(0);
  });

  it('whose result fails when it is looked at has failed, and gives its place back', async () => {
    const { callee, answers, start } = scene();
    const failure = new Error('in the getter');
    let looks = 0;
    callee.expose({
      first: () => ({
        get then(): never {
          throw failure;
        },
      }),
      second: () => ({
        get then() {
          looks += 1;
          if (looks > 1) throw failure;
          return () => {};
        },
      }),
      twice: () => ({
        then(resolve: (value: unknown) => void, reject: (error: unknown) => void) {
          resolve('once');
          resolve('twice');
          reject(failure);
          throw failure;
        },
      }),
    });
    start('first', [], 1);
    start('second', [], 2);
    start('twice', [], 3);
    await settle();
    expect(answers).toEqual([
      [1, FAILED, failure],
      [2, FAILED, failure],
      [3, OK, 'once'],
    ]);
    expect(callee.runningCount).toBe(0);
  });

  it('beyond the bound is refused until the work of another has ended, given up or not', async () => {
    const { callee, answers, start } = scene(2);
    const open: (() => void)[] = [];
    callee.expose({ hang: () => new Promise<void>((resolve) => void open.push(resolve)), quick: () => 'q' });
    start('hang', [], 1);
    start('hang', [], 2);
    for (const seq of [1, 2]) callee.cancel(seq);
    expect(callee.runningCount).toBe(2);
    start('hang', [], 3);
    start('quick', [], 4);
    expect(answers).toEqual([
      [3, TOO_MANY, undefined],
      [4, TOO_MANY, undefined],
    ]);
    open[0]?.();
    await settle();
    start('quick', [], 5);
    expect(answers.slice(2)).toEqual([
      [1, CANCELLED, undefined],
      [5, OK, 'q'],
    ]);
    expect(callee.runningCount).toBe(1);
  });
});

describe('the signal of a call', () => {
  it('is aborted when the peer gives the call up, whose result then is that it was cancelled', async () => {
    const { callee, answers, signals, start } = scene();
    const open: ((value: string) => void)[] = [];
    callee.expose({ hang: () => new Promise<string>((resolve) => void open.push(resolve)) });
    start('hang', [], 7);
    start('hang', [], 8);
    expect(signals.get(7)?.aborted).toBe(false);
    callee.cancel(7);
    callee.cancel(7);
    callee.cancel(99);
    expect([signals.get(7)?.aborted, signals.get(8)?.aborted]).toEqual([true, false]);
    expect(signals.get(7)?.reason).toMatchObject({ code: 'Aborted' });
    for (const resolve of open) resolve('value');
    await settle();
    callee.cancel(8);
    expect(answers).toEqual([
      [7, CANCELLED, 'value'],
      [8, OK, 'value'],
    ]);
  });

  it('can be had in its own start only, not by another message of the same number', () => {
    const { callee, signals, start } = scene();
    callee.expose({ hang: () => new Promise(() => {}) });
    start('hang', [], 1);
    expect(signals.get(1)).toBeInstanceOf(AbortSignal);
    expect([callee.signalOf(1, 1), callee.signalOf(1, 2)]).toEqual([undefined, undefined]);
  });

  it('is aborted when the session ends, with its reason', () => {
    const { callee, answers, signals, start } = scene();
    callee.expose({ hang: () => new Promise(() => {}) });
    start('hang');
    callee.close(new HomingError('ended', 'the session ended'));
    callee.close(new HomingError('Closed', 'again'));
    expect(signals.get(1)?.reason).toMatchObject({ code: 'ended' });
    start('hang', [], 2);
    expect(answers).toEqual([[2, NO_METHOD, undefined]]);
  });
});

describe('a new epoch', () => {
  it('lets the calls of the old one run to their end in their places, and numbers begin anew', async () => {
    const { callee, answers, signals, start } = scene(4);
    const open = new Map<string, () => void>();
    callee.expose({ hang: (name: unknown) => new Promise<void>((resolve) => void open.set(String(name), resolve)) });
    start('hang', ['running'], 1, 1);
    const old = signals.get(1);
    callee.age(1);
    expect([old?.aborted, callee.runningCount]).toEqual([true, 1]);
    // One has waited in the mailbox until now; two of the new epoch have its number and that of the one before.
    start('hang', ['waited'], 2, 1);
    const late = signals.get(2);
    start('hang', ['new 1'], 1, 2);
    start('hang', ['new 2'], 2, 2);
    expect(callee.runningCount).toBe(4);
    start('hang', ['too many'], 3, 2);
    callee.cancel(2);
    expect([late?.aborted, signals.get(2)?.aborted]).toEqual([false, true]);
    for (const name of ['waited', 'running', 'new 1', 'new 2']) {
      open.get(name)?.();
      await settle();
    }
    expect(answers).toEqual([
      [3, TOO_MANY, undefined],
      [2, OK, undefined],
      [1, CANCELLED, undefined],
      [1, OK, undefined],
      [2, CANCELLED, undefined],
    ]);
    expect(callee.runningCount).toBe(0);
    start('hang', ['room'], 3, 2);
    expect(callee.runningCount).toBe(1);
  });
});
