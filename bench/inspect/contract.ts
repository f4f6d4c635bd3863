/** What the two ends of the benchmarks of the inspector say to each other. */

/** About 90 bytes, with the kinds of fields that events have. */
export interface Reading {
  readonly id: number;
  readonly user: string;
  readonly text: string;
  readonly at: number;
  readonly ok: boolean;
}

/** The server counts readings, and adds. */
export type Watched = {
  server: {
    events: { read: [value: Reading] };
    methods: { count(): number; add(left: number, right: number): number };
  };
  client: { events: {} };
};

/** A reading with its number in it. */
export function reading(id: number): Reading {
  return { id, user: 'ann.lindqvist', text: 'the quick brown fox jumps over it', at: 1_700_000_000_000 + id, ok: true };
}
