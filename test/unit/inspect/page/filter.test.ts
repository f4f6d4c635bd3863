// The filter line: what it asks for, and how clicks write into it.
import { describe, expect, it } from 'vitest';
import { queryOf, withPairs } from '../../../../src/inspect/page/filter.js';

describe('a filter line', () => {
  it.each([
    ['', {}],
    ['   ', {}],
    ['room=main', { filter: { room: 'main' } }],
    ['state=up shard=0 machine=dialling', { state: 'up', shard: '0', machine: 'dialling' }],
    ['state=backoff.waiting', { state: 'backoff.waiting' }],
    ['room="night shift" 127.0.0.1:40', { filter: { room: 'night shift' }, search: '127.0.0.1:40' }],
    ['grace s-0 room=main', { filter: { room: 'main' }, search: 'grace s-0' }],
    ['store.state=open state=up', { state: 'up', filter: { state: 'open' } }],
    ['room="not closed', { filter: { room: 'not closed' } }],
    ['room=', { search: 'room=' }],
    ['room=a=b', { filter: { room: 'a=b' } }],
    ['room=one room=two', { filter: { room: 'two' } }],
  ])('%j asks for %j', (text, query) => {
    expect(queryOf(text)).toEqual(query);
  });
});

describe('a click', () => {
  it.each([
    ['', { state: 'up' }, 'state=up'],
    ['grace', { shard: '1' }, 'shard=1 grace'],
    ['state=up room=main', { state: 'backoff' }, 'room=main state=backoff'],
    ['machine=dialling state=up grace', { machine: undefined, state: undefined }, 'grace'],
    ['room="night shift"', { shard: '0' }, 'room="night shift" shard=0'],
    ['"two words"', { shard: '0' }, 'shard=0 "two words"'],
  ])('on %j with %j makes it %j', (text, pairs, made) => {
    expect(withPairs(text, pairs)).toBe(made);
  });

  it('writes what asks for just that', () => {
    expect(queryOf(withPairs('', { room: 'a "b" c', state: 'up' }))).toEqual({
      state: 'up',
      filter: { room: 'a b c' },
    });
  });
});
