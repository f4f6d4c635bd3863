/** What the boss and a worker say to each other. Who takes jobs says so in the shared store; the boss writes the ticket. */
export type Jobs = {
  credentials: { name: string };
  identity: { id: string };
  store: { role: 'worker'; ticket: number };
  server: { events: { done: [place: number] } };
  client: { events: { job: [place: number, job: string] } };
};
