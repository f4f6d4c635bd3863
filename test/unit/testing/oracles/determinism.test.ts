import { describe, expect, it } from 'vitest';
import { Judge } from '../../../../src/testing/oracles/judge.ts';
import { Story } from './story.ts';

describe('I11, determinism', () => {
  const story = () => Story.opened().sent(1).handles(1);

  it('gives equal runs equal hashes', () => {
    const judges = [story(), story()].map(({ sights }) => {
      const judge = new Judge();
      for (const sight of sights) judge.take(sight);
      return judge.hash;
    });
    expect(judges[0]).toBe(judges[1]);
    expect(story().verdict({ expected: judges[0] })).toBe('nothing');
    for (const other of [story().sent(2), story().wait(1).up('s', 1), Story.opened().handles(1)])
      expect(other.verdict({ expected: judges[0] })).toMatch(/^I1/);
    expect(story().sent(2).verdict({ expected: judges[0] })).toMatch(/^I11: the same plan gave other sights/);
  });
});
