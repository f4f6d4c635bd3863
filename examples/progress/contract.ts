/** A service that renders films: it takes callbacks, hands out functions and streams, and is called by name. */
export type Films = {
  server: {
    methods: {
      /** Calls back for each part; resolves with the length. */
      render(title: string, onPart: (part: number, of: number) => void): number;
      /** The frames of a film, as fast as they are taken. */
      frames(title: string): AsyncIterable<{ number: number; at: Date }>;
      /** What is returned takes the order back. */
      order(title: string): { cancel(): string };
    };
  };
  client: {};
};
