/**
 * What every row asks of a contestant, so that a row is one pair of programs for all of them. A contestant uses its library as
 * its own pages recommend, with the settings that make it fast and, where it has any, those that make it keep messages.
 */

/** What is sent: plain data that CBOR and JSON both carry. `id` tells messages apart and says in which order they were sent. */
export interface Message {
  readonly id: number;
  readonly user: string;
  readonly text: string;
  readonly at: number;
  readonly ok: boolean;
}

/** One library in one configuration. */
export interface Contestant {
  /** As the table names it: `socket.io`. */
  readonly name: string;
  /** What its users may rely on across a cut, in its own terms: `at most once; recovery may fail`. */
  readonly promises: string;
  /** The settings a reader needs to judge the numbers. */
  readonly settings: string;
  /** What is missing to run it here besides its packages (a program), in a sentence; undefined when nothing is. */
  missing(): Promise<string | undefined>;
  /** Starts its server in this process; `onLink` gets each client that connects, before the first message of that client. */
  serve(onLink: (link: Link) => void, options: ServeOptions): Promise<Served>;
  /** Connects one client. Resolves once messages can be sent. */
  connect(address: Address, options: ConnectOptions): Promise<Link>;
}

/** How its server is to run. */
export interface ServeOptions {
  /** Certificates of a TLS server; undefined: no TLS. Only contestants of the row about TLS take it. */
  readonly tls?: { readonly key: string; readonly cert: string } | undefined;
  /** Whether frames carry a checksum, where the contestant has one. */
  readonly hasChecksum?: boolean | undefined;
}

/** Where a server listens: `127.0.0.1`, and a port that the system has chosen. */
export interface Address {
  readonly port: number;
  /** What a client must know besides the port: a subject, a path. */
  readonly detail?: string | undefined;
}

/** How a client is to connect. */
export interface ConnectOptions {
  /** After a cut: dial again as fast as the library can be told to; otherwise the library's own default delays. */
  readonly isEager?: boolean | undefined;
  readonly ca?: string | undefined;
  readonly hasChecksum?: boolean | undefined;
}

/** One end between a client and the server. It outlives a cut where the contestant has such a thing. */
export interface Link {
  /**
   * Hands one message over. False: the contestant wants its user to wait for `room()` before the next one; the message itself
   * is taken, or dropped, as the contestant does it.
   */
  send(message: Message): boolean;
  /** Resolves when it has room again, after an outage as well; never before the event loop has turned. */
  room(): Promise<void>;
  /** Takes messages of the other end, from now on. Set once, at once. */
  onMessage(take: (message: Message) => void): void;
  /** Of a client: a call that the server answers with the sum; undefined where the contestant has no calls. */
  readonly call?: ((left: number, right: number) => Promise<number>) | undefined;
  /** Calls back whenever messages can be sent again after a cut (not for the first time). */
  onUp(tell: () => void): void;
  /** Calls back when this end notices a cut; undefined where the contestant tells nothing. */
  readonly onDown?: ((tell: () => void) => void) | undefined;
  /** Ends it, and what it holds. */
  close(): Promise<void>;
}

/** A server that runs. */
export interface Served {
  readonly address: Address;
  /** Sends one message to each client, in the way of the contestant for that. */
  broadcast(message: Message): void;
  /** The process that holds the connections, if it is not the one that called `serve` (a broker). */
  readonly brokerPid?: number | undefined;
  close(): Promise<void>;
}
