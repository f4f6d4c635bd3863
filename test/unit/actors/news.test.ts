import { describe, expect, it } from 'vitest';
import { plainError, wholeError } from '../../../src/actors/news.ts';
import { HomingError } from '../../../src/errors.ts';

/** What another thread makes of an error. */
const crossed = (error: unknown): Error => wholeError(structuredClone(plainError(error)));

describe('an error that crosses threads', () => {
  it('of this library is one of its errors again, with everything it says', () => {
    const cause = new HomingError('Deadline', 'late', { outcome: 'never-sent', retry: false });
    const error = new HomingError('HandlerFailed', 'a handler threw', { cause, messageId: 's/1/7' });
    const copy = crossed(error);
    expect(copy).toBeInstanceOf(HomingError);
    expect(copy).toMatchObject({ code: 'HandlerFailed', message: 'a handler threw', messageId: 's/1/7', retry: false });
    expect(copy.stack).toBe(error.stack);
    expect(copy.cause).toBeInstanceOf(HomingError);
    expect(copy.cause).toMatchObject({ code: 'Deadline', outcome: 'never-sent', retry: false });
  });

  it('of somebody else keeps its name, code and stack', () => {
    const error = Object.assign(new RangeError('too far'), { code: 'E_FAR', secret: 'stays here' });
    const copy = crossed(error);
    expect(copy).toMatchObject({ name: 'RangeError', message: 'too far', code: 'E_FAR', stack: error.stack });
    expect(copy).not.toBeInstanceOf(HomingError);
    expect(copy).not.toHaveProperty('secret');
  });

  it('that is no error becomes one', () => {
    expect(crossed('just text')).toMatchObject({ name: 'Error', message: 'just text' });
    expect(crossed(undefined).message).toBe('undefined');
  });

  it('with causes without end keeps the first of them', () => {
    const loop: Error & { cause?: unknown } = new Error('again');
    loop.cause = loop;
    let depth = 0;
    for (let at: unknown = crossed(loop); at instanceof Error; at = at.cause) depth += 1;
    expect(depth).toBe(5);
  });
});
