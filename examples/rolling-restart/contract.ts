/** What clients ask of a server, and what they hear of it. */
export type Work = {
  server: { events: { job: [name: string] } };
  client: { events: { done: [name: string] } };
};

/** What a server process tells the program that started it: its port, and at its end the jobs that it has done. */
export type News = { readonly port: number } | { readonly done: readonly string[] };
