/** What the two programs say to each other. */
export type Counting = {
  server: { events: { count: []; primes: [below: number]; crash: [] } };
  client: { events: { counted: [total: number]; primes: [count: number] } };
};
