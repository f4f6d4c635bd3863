/** What a person and the house say to each other. `room` is the person's own to write, `name` the house's. */
export type Rooms = {
  credentials: { name: string };
  identity: { id: string };
  store: { room: string; name: string };
  server: { events: { say: [text: string] } };
  client: { events: { said: [name: string, text: string]; whispered: [text: string] } };
};
