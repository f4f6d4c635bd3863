import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

const method = { what: 'method', name: 'add' } as const;
const call = () => Story.opened().sent(1, 'call', 'add');
const timed = (isWall: boolean) =>
  Story.opened().client({
    type: 'sent',
    session: '',
    n: 1,
    how: 'call',
    name: 'add',
    digest: 'content 1',
    timeoutMs: 100,
    isWall,
  });

describe('I7, calls', () => {
  it('are content with a call that runs once and settles once', () => {
    expect(call().handles(1, 1, method).answered(1, 'ok').verdict()).toBe('nothing');
    expect(call().answered(1, 'unheard').verdict()).toBe('nothing');
    expect(call().sent(2).handles(1, 1, method).starts(2).answered(1, 'ok').ends(2).verdict()).toBe('nothing');
  });

  it('see a call that never settles, unless its process is gone', () => {
    expect(call().handles(1, 1, method).verdict()).toBe("I7: the call n=1 'add' never settled");
    expect(call().client({ type: 'ends' }).verdict()).toBe('nothing');
  });

  it('see a call that settles twice, runs twice, or is answered without having run', () => {
    expect(call().handles(1, 1, method).answered(1, 'ok').answered(1, 'ok').verdict()).toMatch(
      "I7: the call n=1 'add' settled twice",
    );
    expect(call().handles(1, 1, method).starts(1, 1, method).verdict()).toMatch("I7: the method 'add' ran again");
    expect(call().answered(1, 'ok').verdict()).toMatch("I7: the call n=1 'add' was answered, and it never ran");
  });

  it('see a deadline that is told late, on the clock that the call counts', () => {
    const down = { type: 'down', session: '', code: 'line-lost' } as const;
    const late = (isWall: boolean) => timed(isWall).client(down).wait(200).answered(1, 'given-up').verdict();
    expect(late(false)).toBe('nothing');
    expect(late(true)).toMatch(/^I7: the call n=1 'add' settled 10\d ms after its deadline/);
    expect(timed(false).wait(200).answered(1, 'given-up').verdict()).toMatch(/^I7: .* after its deadline/);
    expect(timed(false).wait(200).answered(1, 'given-up').verdict({ toleranceMs: 150 })).toBe('nothing');
  });
});
