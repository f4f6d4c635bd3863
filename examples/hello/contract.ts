/** What the two programs say to each other. */
export type Hello = {
  server: { events: { hello: [text: string] } };
  client: { events: { heard: [count: number] } };
};
