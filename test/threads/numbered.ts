/** What clients and sessions of the law on threads say to each other: numbered messages whose bytes follow from the number. */

/** How a handler ends the thread of its shard. */
export type Ending = 'exit' | 'throw' | 'loop' | 'memory';

/** What a handler does beside writing its message down. */
export type Deed = 'nothing' | 'stop' | 'hold' | Ending;

/** The contract: both ends send items, numbered from 0 in each session by the server, through all of them by the client. */
export type Numbered = {
  credentials: Account;
  identity: Account;
  server: { events: { item: [number: number, payload: Uint8Array, deed: Deed] } };
  client: { events: { item: [number: number, payload: Uint8Array]; total: [count: number] } };
};

/** A client, and the file in which the handlers of its messages are written down. */
export interface Account {
  readonly id: string;
  readonly ledger: string;
}

/** The bytes of a message; 251 is prime, so that a fragment in a wrong place shows. */
export function payloadOf(number: number): Uint8Array {
  const length = number % 83 === 7 ? 70_000 : number % 11 === 3 ? 2_048 : (number * 37) % 90;
  const pattern = Uint8Array.from({ length: 251 }, (_, place) => place * 7 + number);
  return new Uint8Array(Buffer.alloc(length, pattern));
}

/** Whether these are the bytes of this message. */
export function isPayloadOf(number: number, payload: Uint8Array): boolean {
  return Buffer.compare(payloadOf(number), payload) === 0;
}
