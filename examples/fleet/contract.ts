/** What headquarters and an agent say to each other. Headquarters is the server; for who dials, the contract is flipped. */
export type Fleet = {
  credentials: { name: string };
  identity: { id: string };
  server: { events: { report: [round: number] } };
  client: { events: { ask: [round: number] } };
};

/** What headquarters tells the program that started it. `faults`: reports that came twice or not in order. */
export interface News {
  readonly port: number;
  readonly lines: number;
  readonly asked: number;
  readonly reports: number;
  readonly faults: number;
}
