import { describe, expect, it } from 'vitest';
import { Story } from './story.ts';

describe('I6, bounds', () => {
  const counts = (count: number, limit: number) =>
    Story.opened().server({ type: 'counts', counts: [['messages in the outbox', count, limit]] });

  it('is content at a limit', () => expect(counts(10, 10).verdict()).toBe('nothing'));

  it('sees what is above its limit, and what is left at the end', () => {
    expect(counts(11, 10).verdict()).toBe('I6: messages in the outbox: expected at most 10, got 11');
    expect(counts(1, 0).verdict()).toMatch('I6: ');
  });
});
