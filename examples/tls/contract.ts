/** Who may come in, and what the two programs say to each other. */
export type Vault = {
  credentials: { token: string };
  identity: { id: string; proof: 'certificate' | 'token' };
  server: { events: { knock: [] } };
  client: { events: { answer: [text: string] } };
};
