/** What the two programs say to each other. */
export type Echo = {
  server: { events: { say: [text: string] } };
  client: { events: { echo: [text: string] } };
};
