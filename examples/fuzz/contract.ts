/** A shop: orders go in, each with a name of its own, and what is sold can be asked for. */
export type Shop = {
  server: { events: { order: [id: string, pieces: number] }; methods: { sold(): number } };
  client: { events: { confirmed: [id: string] } };
};
