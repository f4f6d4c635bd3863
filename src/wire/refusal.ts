/** Why a payload is refused: one word for each reason, and the negative verdict of the scan that stands for it. */

/** What `scan` returns when it refuses, by reason. */
export const Refused = {
  'message-too-large': -1,
  truncated: -2,
  'trailing-bytes': -3,
  'reserved-head': -4,
  'indefinite-length': -5,
  'head-not-minimal': -6,
  'simple-value': -7,
  'integer-range': -8,
  'too-deep': -9,
  'too-many-items': -10,
  'array-too-long': -11,
  'map-too-long': -12,
  'text-too-long': -13,
  'text-not-utf8': -14,
  'key-not-text': -15,
  'key-too-long': -16,
  'key-forbidden': -17,
  'key-duplicate': -18,
  'unknown-tag': -19,
  'tag-content': -20,
  'too-many-links': -21,
  'too-costly': -22,
} as const;

/** Why the scan refused; a closed set, fit for the label of a counter. */
export type ScanReason = keyof typeof Refused;

const reasons = Object.keys(Refused) as ScanReason[];

/** The word for a negative verdict of `scan`; `undefined` for a verdict that lets through. */
export function scanReason(verdict: number): ScanReason | undefined {
  return verdict < 0 ? reasons[-1 - verdict] : undefined;
}
