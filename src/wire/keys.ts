/** Keys of objects as bytes, for the scan: compared where they stand, without making texts of them. */
import { forbiddenKeys } from './limits.ts';

/** Whether two ranges of the same length hold the same bytes. */
export function isSameKey(bytes: Uint8Array, one: number, other: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (bytes[one + i] !== bytes[other + i]) return false;
  return true;
}

const forbidden = forbiddenKeys.map((key) => Uint8Array.from(key, (letter) => letter.charCodeAt(0)));

/** Whether the range holds a key that no object may have. */
export function isForbiddenKey(bytes: Uint8Array, at: number, length: number): boolean {
  for (const word of forbidden) {
    if (word.length !== length) continue;
    let i = 0;
    while (i < length && bytes[at + i] === word[i]) i++;
    if (i === length) return true;
  }
  return false;
}
