/** What the two programs of the lane say to each other. */
export type Notes = {
  credentials: string;
  server: {
    events: { note: [number: number, text: string]; fails: [number: number] };
    methods: { add(left: number, right: number): number; slow(ms: number): number };
  };
  client: {
    events: { heard: [number: number, text: string] };
    methods: { mood(): string };
  };
};

/** Both ends: a dead line is noticed after a third of a second, so that standing still can be shorter or longer. */
export const ends = {
  heartbeat: { intervalMs: 80, timeoutMs: 320 },
  handshakeMs: 1_000,
  // Sessions of dead clients are soon gone.
  lingerMs: 5_000,
  limits: { outboxMessages: 400 },
} as const;
