/**
 * The types of a contract between two ends: which events and methods each accepts, what is known of a session, and how
 * a value looks after it crossed. No code; everything public is typed from here.
 */

/** What each end accepts. Missing halves accept nothing. */
export interface Contract {
  readonly server: { readonly events?: object; readonly methods?: object };
  readonly client: { readonly events?: object; readonly methods?: object };
  readonly credentials?: unknown;
  readonly identity?: { readonly id: string };
  readonly store?: object;
}

/** The same contract seen from the other side: for a behavior that dials. */
export type Flip<C extends Contract> = {
  readonly server: C['client'];
  readonly client: C['server'];
  readonly store: Store<C>;
};

/** The events that one end of a contract accepts. */
export type EventsOf<End> = End extends { readonly events: infer Events } ? Events : {};

/** The arguments of one event. */
export type ArgsOf<Events, Name extends keyof Events> = Events[Name] extends readonly unknown[] ? Events[Name] : never;

/** What the server's authentication hook found out about a client. */
export type Identity<C extends Contract> = C extends { readonly identity: infer Known } ? Known : undefined;

/** What a client shows to the authentication hook. */
export type Credentials<C extends Contract> = C extends { readonly credentials: infer Shown } ? Shown : undefined;

/** The shape of the shared store of a session. */
export type Store<C extends Contract> = C extends { readonly store: infer Shared } ? Shared : Record<string, unknown>;

type Leaf = string | number | boolean | bigint | null | undefined | Date | Uint8Array | Error;

/** A value as it arrives: the same data in values of its own. */
export type Arrived<T> = T extends Leaf
  ? T
  : T extends ReadonlyMap<infer Key, infer Value>
    ? Map<Arrived<Key>, Arrived<Value>>
    : T extends ReadonlySet<infer Item>
      ? Set<Arrived<Item>>
      : T extends readonly unknown[]
        ? { [Index in keyof T]: Arrived<T[Index]> }
        : T extends object
          ? { [Key in keyof T]: Arrived<T[Key]> }
          : T;

/** The arguments of an event as its handler gets them. */
export type HandlerArgs<Sent extends readonly unknown[]> = {
  [Index in keyof Sent]: Arrived<Sent[Index]>;
} extends infer Got extends readonly unknown[]
  ? Got
  : never;
