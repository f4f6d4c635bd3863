/** What every checksum keeps: it is the CRC-32 of IEEE 802.3, or the two ends understand nothing. */
import type { Checksum } from '../../wire/frame.ts';
import { Draws } from '../draws.ts';
import { type ContractCase, must, same } from './case.ts';

/** The cases for a checksum. */
export function checksumContract({ checksum }: { readonly checksum: Checksum }): readonly ContractCase[] {
  return demands.map(({ id, title, play }) => ({
    id: `checksum-${id}`,
    title: `a checksum ${title}`,
    run: () => Promise.resolve(checksum).then(play),
  }));
}

interface Demand {
  readonly id: string;
  readonly title: string;
  readonly play: (checksum: Checksum) => void;
}

const demands: readonly Demand[] = [
  {
    id: 'known',
    title: 'gives the numbers that are known of CRC-32, without a sign',
    play(checksum) {
      const known = [
        ['', 0],
        ['a', 0xe8b7_be43],
        ['123456789', 0xcbf4_3926],
        ['The quick brown fox jumps over the lazy dog', 0x414f_a339],
      ] as const;
      for (const [text, wanted] of known) same(`that of '${text}'`, checksum(new TextEncoder().encode(text)), wanted);
      same('that of 32 bytes 0xff', checksum(new Uint8Array(32).fill(0xff)), 0xff6c_ab0b);
    },
  },
  {
    id: 'any',
    title: 'is right for every length and for views into a larger buffer, and leaves the bytes as they are',
    play(checksum) {
      const bytes = new Draws(1, 'checksum').bytes(70_000);
      const kept = bytes.slice();
      for (let length = 0; length < 300; length += 1) {
        const view = bytes.subarray(length, length * 2);
        same(`that of ${length} bytes`, checksum(view), crcOf(view));
      }
      same('that of 70,000 bytes', checksum(bytes), crcOf(bytes));
      must(Buffer.compare(bytes, kept) === 0, 'expected the bytes to stay as they were');
    },
  },
];

/** Bit by bit, as the standard has it: slow, and plainly right. */
function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (0xedb8_8320 & -(crc & 1));
  }
  return ~crc >>> 0;
}
