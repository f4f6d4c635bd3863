/** The object that the stream benchmarks send: about 90 bytes encoded, with the kinds of fields that events have. */
export interface Sample {
  readonly id: number;
  readonly user: string;
  readonly text: string;
  readonly at: number;
  readonly ok: boolean;
}

/** A sample with its number in it, so that no two messages are equal. */
export function sample(id: number): Sample {
  return { id, user: 'ann.lindqvist', text: 'the quick brown fox jumps over it', at: 1_700_000_000_000 + id, ok: true };
}

/** Messages between two looks at the clock. */
export const BURST = 256;
