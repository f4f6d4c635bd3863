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

/** Names a group: the id of one session, or values that its store has, all of them. */
export type Selector<C extends Contract> = string | Partial<Store<C>>;

type Leaf = string | number | boolean | bigint | null | undefined | Date | Uint8Array | Error;

/** A function of the other end: calling it crosses, and it is let go when nobody holds it, or with `using`. */
export type Stub<Args extends readonly unknown[], Result> = ((...args: Args) => Promise<Arrived<Awaited<Result>>>) &
  Disposable;

/** A value as it arrives: the same data in values of its own, functions and streams as references. */
export type Arrived<T> = T extends Leaf
  ? T
  : T extends (...args: infer Args) => infer Result
    ? Stub<Args, Result>
    : T extends AsyncIterable<infer Item>
      ? AsyncIterable<Arrived<Item>>
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

/** The methods that one end of a contract exposes. */
export type MethodsOf<End> = End extends { readonly methods: infer Methods } ? Methods : {};

type AnyMethod = (...args: never[]) => unknown;

/** The arguments of one method. */
export type CallArgs<Methods, Name extends keyof Methods> = Parameters<Extract<Methods[Name], AnyMethod>>;

/** What the caller of one method gets. */
export type CallResult<Methods, Name extends keyof Methods> = Arrived<
  Awaited<ReturnType<Extract<Methods[Name], AnyMethod>>>
>;

/** The methods of a peer, as its other end calls them. */
export type Remote<Methods> = {
  readonly [Name in keyof Methods]: Methods[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Arrived<Awaited<Result>>>
    : never;
};

/** The methods an end exposes: what they get has arrived, what they return will. */
export type Exposed<Methods> = {
  [Name in keyof Methods]?: Methods[Name] extends (...args: infer Args) => infer Result
    ? (...args: HandlerArgs<Args>) => Awaited<Result> | Promise<Awaited<Result>>
    : never;
};
