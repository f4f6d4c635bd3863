/** The peer's methods as functions of an object: each property is one, made when it is first asked for. */

/** Calls a method of the peer. */
export type CallMethod = (method: string, args: readonly unknown[]) => Promise<unknown>;

/** Names that the language and its tools ask any object for; a remote that answered would look like a promise, or more. */
const ABSENT = new Set(['then', 'catch', 'toJSON']);

/** A remote on top of a call. */
export function remoteOf(call: CallMethod): object {
  const known = new Map<string, (...args: unknown[]) => Promise<unknown>>();
  return new Proxy(Object.freeze({}), {
    get(_, name) {
      if (typeof name === 'symbol' || ABSENT.has(name)) return undefined;
      const method = known.get(name) ?? ((...args: unknown[]) => call(name, args));
      known.set(name, method);
      return method;
    },
  });
}
