/** What sessions of the real lane say to each other: numbered messages both ways, whose bytes follow from the number. */

/** The contract. The client numbers its messages through all its sessions, the server anew in each. */
export type Numbers = {
  credentials: Account;
  identity: Account;
  server: {
    events: { item: [number: number, payload: Uint8Array] };
    methods: { account(): { heard: number; said: number } };
  };
  client: { events: { item: [number: number, payload: Uint8Array] } };
};

/** A client, and the file in which its messages are written down as they are handled: only where shards may end. */
export interface Account {
  readonly id: string;
  readonly ledger: string | undefined;
}

const PATTERN_BYTES = 251;

/** One message in 97 is longer than a read of the proxy's sockets is likely to be; the others fit into a packet. */
function lengthOf(number: number): number {
  return number % 97 === 13 ? 3_000 : (number * 37) % 60;
}

// 251 is prime, so that a piece in a wrong place shows.
const patterns = Array.from(
  { length: PATTERN_BYTES },
  (_, first) =>
    new Uint8Array(
      Buffer.alloc(
        3_000,
        Uint8Array.from({ length: PATTERN_BYTES }, (_, place) => place * 7 + first),
      ),
    ),
);

/** The bytes of a message; they are shared, do not change them. */
export function payloadOf(number: number): Uint8Array {
  return (patterns[number % PATTERN_BYTES] as Uint8Array).subarray(0, lengthOf(number));
}

/** Whether these are the bytes of this message. */
export function isPayloadOf(number: number, payload: Uint8Array): boolean {
  return Buffer.compare(payloadOf(number), payload) === 0;
}
