import { describe, expect, it } from 'vitest';
import { Account, Books } from '../../../src/actors/books.ts';
import { Count, Tally } from '../../../src/actors/tally.ts';

describe('the books of a shard', () => {
  it('hold the sum of what all accounts hold, and show it to other threads', () => {
    const tally = Tally.shared();
    const books = new Books(tally, 1_000);
    const [one, other] = [new Account(books), new Account(books)];
    one.set(100);
    other.set(30);
    one.set(50);
    expect([books.bytes, new Tally(tally.memory).read(Count.BYTES)]).toEqual([80, 80]);
    one.set(0);
    other.set(0);
    expect([books.bytes, tally.read(Count.BYTES)]).toEqual([0, 0]);
  });

  it('are pressed from three quarters of the bound, and spent at the bound', () => {
    const books = new Books(new Tally(), 100);
    const account = new Account(books);
    const seen = [74, 75, 99, 100].map((bytes) => {
      account.set(bytes);
      return [books.isPressed, books.isSpent];
    });
    expect(seen).toEqual([
      [false, false],
      [true, false],
      [true, false],
      [true, true],
    ]);
  });

  it('call back once when they are eased, and not those who have left', () => {
    const books = new Books(new Tally(), 100);
    const account = new Account(books);
    const called: string[] = [];
    account.set(100);
    books.whenEased(() => void called.push('stays'));
    books.whenEased(() => void called.push('leaves'))();
    account.set(75);
    expect(called).toEqual([]);
    account.set(74);
    account.set(100);
    account.set(10);
    expect(called).toEqual(['stays']);
  });

  it('are not needed: an account without them counts for nobody', () => {
    expect(() => new Account(undefined).set(5)).not.toThrow();
  });
});
