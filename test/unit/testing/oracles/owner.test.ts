import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

describe('I5, one owner', () => {
  it('is content with a session that stays where it is', () => {
    expect(Story.opened().sent(1).sent(2).handles(1).handles(2).verdict()).toBe('nothing');
  });

  it('sees a session that runs in two lives', () => {
    const other = { life: 2 };
    const story = Story.opened().sent(1).sent(2).handles(1).server({ type: 'begins' }, 2);
    expect(story.opens('s', 1, 2).verdict()).toMatch('I5: session s runs in server#2, and it belongs to server#1');
    expect(Story.opened().sent(1).handles(1, 1, other).verdict()).toMatch('I5: session s runs in server#2');
  });

  it('sees a handler of a life that is over', () => {
    expect(Story.opened().sent(1).server({ type: 'ends' }).starts(1).verdict()).toMatch('I5: server#1 is over');
  });
});
