/** What every source of chance keeps. Whether nobody can guess it no test can tell; these find one that is plainly not random. */
import type { Chance } from '../../actors/ports.ts';
import { type ContractCase, must, same } from './case.ts';

const DRAWS = 10_000;

/** The cases for a source of chance. A right one fails them less than once in a million runs. */
export function chanceContract({ chance }: { readonly chance: Chance }): readonly ContractCase[] {
  return demands.map(({ id, title, play }) => ({
    id: `chance-${id}`,
    title: `chance ${title}`,
    run: () => Promise.resolve(chance).then(play),
  }));
}

interface Demand {
  readonly id: string;
  readonly title: string;
  readonly play: (chance: Chance) => void;
}

const demands: readonly Demand[] = [
  {
    id: 'counts',
    title: 'gives as many bytes as were asked for, as a Uint8Array and no Buffer',
    play(chance) {
      for (const count of [0, 1, 2, 3, 4, 5, 16, 31, 32, 1_000]) {
        const bytes = chance.bytes(count);
        must(bytes instanceof Uint8Array && !Buffer.isBuffer(bytes), 'expected a Uint8Array and no Buffer');
        same('the count', bytes.length, count);
      }
    },
  },
  {
    id: 'owned',
    title: 'gives bytes away: what is done to them changes no others',
    play(chance) {
      const first = chance.bytes(32);
      const kept = first.slice();
      const second = chance.bytes(32);
      same('the first bytes after more were drawn', first, kept);
      const other = second.slice();
      first.fill(0);
      same('the second bytes after the first were changed', second, other);
    },
  },
  {
    id: 'differs',
    title: 'does not repeat itself, and every bit of it is now 0 and now 1',
    play(chance) {
      const drawn = Array.from({ length: 1_000 }, () => chance.bytes(16));
      const texts = new Set(drawn.map((bytes) => Buffer.from(bytes).toString('hex')));
      same('the different ones of 1,000 times 16 bytes', texts.size, 1_000);
      for (let bit = 0; bit < 128; bit += 1) {
        const ones = drawn.filter((bytes) => (((bytes[bit >> 3] ?? 0) >> (bit & 7)) & 1) === 1).length;
        must(ones > 400 && ones < 600, `expected bit ${bit} to be 1 about 500 times in 1,000, got ${ones}`);
      }
    },
  },
  {
    id: 'numbers',
    title: 'gives numbers from 0 up to and without 1, all over that range',
    play(chance) {
      const numbers = Array.from({ length: DRAWS }, () => chance.number());
      for (const number of numbers) must(number >= 0 && number < 1, `expected a number in [0, 1), got ${number}`);
      const tenths = new Array<number>(10).fill(0);
      for (const number of numbers) {
        const tenth = Math.floor(number * 10);
        tenths[tenth] = (tenths[tenth] ?? 0) + 1;
      }
      for (const count of tenths) must(count > 800 && count < 1_200, `expected about 1,000 a tenth, got ${count}`);
      must(new Set(numbers).size > DRAWS * 0.99, 'expected numbers that differ');
    },
  },
];
