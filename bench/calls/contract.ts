/** What the two ends of the benchmark of calls say to each other. */
export type Adding = {
  server: { methods: { add(left: number, right: number): number } };
  client: { events: {} };
};
