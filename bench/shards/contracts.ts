/** What the two ends of the rows of shards say to each other. */
import type { Sample } from '../sample.ts';

/** Each tick is answered with how many there were. */
export type Ticking = {
  server: { events: { tick: [] } };
  client: { events: { tock: [count: number] } };
};

/** A stream to the server, or, once it is asked for, to the client; `end` tells how many samples there were. */
export type Streaming = {
  server: { events: { sample: [value: Sample]; end: [sent: number]; pour: [milliseconds: number] } };
  client: { events: { sample: [value: Sample]; end: [sent: number]; total: [count: number, rate: number] } };
};

/** Arithmetic of so many steps; the answer tells the thread that did it. */
export type Working = {
  server: { events: { work: [steps: number] } };
  client: { events: { done: [thread: number, result: number] } };
};

/** Work in the shard or beside it, and pings that feel it. */
export type Offloading = {
  server: { events: { offload: [task: 'churn' | 'echo', input: number]; work: [steps: number]; ping: [] } };
  client: { events: { done: [result: number]; pong: [] } };
};

/** The same sample to every session. */
export type FanningOut = {
  server: { events: {} };
  client: { events: { sample: [value: Sample] } };
};
