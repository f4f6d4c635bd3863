import { describe, expect, it } from 'vitest';
import type { ShardNews } from '../../../src/actors/news.ts';
import { Listing } from '../../../src/testing/listing.ts';

const info = { id: 's-1', shard: 0, epoch: 1, identityId: undefined, dialled: false };
const news = {
  session: { type: 'session', info },
  up: { type: 'up', info, resumed: false },
  down: { type: 'down', info, code: 'line-lost' },
  end: { type: 'end', info, code: 'ended', unconfirmed: 0, carried: 0 },
} satisfies Record<string, ShardNews>;

function told(...words: (keyof typeof news)[]): { listing: Listing; faults: string[] } {
  const faults: string[] = [];
  const listing = new Listing((error) => faults.push(error.message));
  for (const word of words) listing.take(news[word]);
  return { listing, faults };
}

describe('the list of the sessions of a shard', () => {
  it('holds those that began and have not ended', () => {
    expect(told('session', 'up').listing.infos).toEqual([info]);
    expect(told('session', 'up', 'down', 'end').listing.infos).toEqual([]);
  });

  it('takes the news of a life in their order', () => {
    expect(told('session', 'up', 'down', 'up', 'down', 'end').faults).toEqual([]);
  });

  it.each([
    [['up'], 'up of session s-1, which did not begin'],
    [['session', 'session'], 'session s-1 began twice'],
    [['session', 'up', 'up'], 'session s-1 is up twice'],
    [['session', 'down'], 'session s-1 is down twice'],
    [['session', 'end', 'end'], 'end of session s-1 after its end'],
  ] as const)('finds fault with %j', (words, fault) => {
    expect(told(...words).faults).toEqual([fault]);
  });

  it('says for a dead shard what has to be said, once', () => {
    const { listing } = told('session', 'up');
    expect(listing.bury()).toMatchObject([
      { type: 'down', code: 'shard-lost' },
      { type: 'end', code: 'shard-lost', unconfirmed: Number.NaN },
    ]);
    expect(listing.bury()).toEqual([]);
    expect(told('session', 'up', 'down').listing.bury()).toMatchObject([{ type: 'end' }]);
  });
});
