/** What a person says to the room and the room to a person. */
export type Chat = {
  credentials: { name: string };
  identity: { id: string };
  server: { events: { say: [text: string]; who: [] } };
  client: { events: { said: [name: string, text: string]; note: [text: string] } };
};
