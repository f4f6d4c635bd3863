import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

describe('I8, legality', () => {
  it('is content with connections that are lost', () => {
    expect(Story.opened().client({ type: 'down', session: '', code: 'line-lost' }).judged()?.invariant).not.toBe('I8');
    expect(Story.opened().client({ type: 'redials', session: '', code: 'overloaded' }).verdict()).toBe('nothing');
  });

  it.each(['seq-gap', 'bad-checksum'])('sees an end by %s, unless bytes were altered', (code) => {
    const story = Story.opened().server({ type: 'down', session: 's', code });
    expect(story.verdict()).toBe(`I8: a connection ended with ${code}`);
    expect(story.verdict({ allows: (each) => each === code })).toBe('nothing');
  });

  it('sees what nobody caught', () => {
    expect(Story.opened().server({ type: 'uncaught', words: 'Error: lost' }).verdict()).toBe(
      'I8: uncaught: Error: lost',
    );
  });
});
