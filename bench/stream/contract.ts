import type { Sample } from './sample.ts';

/** What the two ends of the stream benchmark say to each other. */
export type StreamContract = {
  server: { events: { sample: [value: Sample]; end: [] } };
  client: { events: { total: [count: number, rate: number] } };
};
