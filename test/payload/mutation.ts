/** Blind changes to bytes that were once valid: bits, heads, pieces moved, doubled, cut and taken from another payload. */
import type { Chance } from './random.ts';

const heads = [
  0, 0x17, 0x18, 0x19, 0x1b, 0x20, 0x3b, 0x40, 0x58, 0x60, 0x78, 0x7f, 0x80, 0x9a, 0x9f, 0xa0, 0xb9, 0xc0, 0xd9, 0xf6,
  0xf7, 0xf9, 0xfb, 0xff,
];

/** Copies `seed` into `target` with one to four changes; returns the length. */
export function mutate(chance: Chance, target: Uint8Array, seed: Uint8Array, other: Uint8Array): number {
  let length = Math.min(seed.length, target.length);
  for (let i = 0; i < length; i++) target[i] = seed[i] as number;
  for (let changes = 1 + chance.below(4); changes > 0; changes--) {
    const at = chance.below(Math.max(1, length));
    switch (chance.below(8)) {
      case 0:
        target[at] = (target[at] as number) ^ (1 << chance.below(8));
        break;
      case 1:
        target[at] = chance.pick(heads);
        break;
      case 2:
        target[at] = ((target[at] as number) + (chance.once(2) ? 1 : 255)) & 255;
        break;
      case 3:
        target[at] = chance.below(256);
        break;
      case 4: {
        const count = Math.min(1 + chance.below(8), target.length - length);
        target.copyWithin(at + count, at, length);
        for (let i = 0; i < count; i++) target[at + i] = chance.pick(heads);
        length += count;
        break;
      }
      case 5: {
        const count = Math.min(1 + chance.below(8), length - at);
        target.copyWithin(at, at + count, length);
        length -= count;
        break;
      }
      case 6: {
        const from = chance.below(Math.max(1, length));
        const count = Math.min(1 + chance.below(20), length - from, target.length - length);
        if (count <= 0) break;
        const piece = target.slice(from, from + count);
        target.copyWithin(at + count, at, length);
        target.set(piece, at);
        length += count;
        break;
      }
      default: {
        const from = chance.below(Math.max(1, other.length));
        const count = Math.min(1 + chance.below(30), other.length - from, target.length - at);
        for (let i = 0; i < count; i++) target[at + i] = other[from + i] as number;
        length = Math.max(length, at + count);
      }
    }
  }
  return length;
}
