/** What may stand behind each tag of ours, for the scan: looked at before the content is passed over item by item. */
import { BIGINT_BYTES_MAX, ValueTag } from './limits.ts';

/** What a container is to the scan: an error's array and a link's have rules of their own. */
export const ContainerKind = { ARRAY: 0, MAP: 1, ERROR: 2, LINK: 3 } as const;

/** Whether an item with this head may stand in an error's or a link's array, with `remaining` items after it. */
export function isAllowedIn(kind: number, remaining: number, head: number): boolean {
  const major = head >> 5;
  if (kind === ContainerKind.LINK) return major === 3 || major === 0;
  return remaining > 1 ? major === 3 : remaining === 0 || major === 3 || head === 0xf7;
}

/** Whether what begins at `at`, which lies before `end`, can be the content of the tag; items inside are checked later. */
export function isContentOf(tag: number, bytes: Uint8Array, at: number, end: number): boolean {
  const head = bytes[at] as number;
  switch (tag) {
    case ValueTag.DATE:
      return head >> 5 < 2 || (head >= 0xf9 && head <= 0xfb);
    case ValueTag.FUNCTION:
    case ValueTag.STREAM:
      return head >> 5 === 0;
    case ValueTag.MAP:
      // an even length, in whichever byte of the head is its last
      if (head >> 5 !== 4 || head > 0x9a) return false;
      if (head < 0x98) return (head & 1) === 0;
      return at + (1 << (head - 0x98)) < end && ((bytes[at + (1 << (head - 0x98))] as number) & 1) === 0;
    case ValueTag.ERROR:
      return head === 0x84;
    case ValueTag.BIGINT: {
      if (head >> 5 !== 2 || head === 0x40) return false;
      if (head < 0x58) return isSign(bytes, at + 1, end);
      if (head === 0x58) return isSign(bytes, at + 2, end);
      if (head !== 0x59 || end - at < 3) return false;
      const length = ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
      return length <= BIGINT_BYTES_MAX && isSign(bytes, at + 3, end);
    }
    default:
      return head >> 5 === 4;
  }
}

function isSign(bytes: Uint8Array, at: number, end: number): boolean {
  return at < end && (bytes[at] as number) < 2;
}

/** What a value of ours takes beyond the array or number that carries it, rounded up. */
export function costOf(tag: number): number {
  switch (tag) {
    case ValueTag.ERROR:
      return 4_096;
    case ValueTag.FUNCTION:
    case ValueTag.STREAM:
      return 1_024;
    case ValueTag.MAP:
    case ValueTag.SET:
      return 256;
    default:
      return 128;
  }
}
