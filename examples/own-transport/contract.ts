/** What the two programs say to each other. */
export type Steps = {
  server: { events: { step: [number: number] } };
  client: { events: { sum: [steps: number] } };
};
