/** What a server does for a client that asks its runtime: addresses other sessions for it, and tells who is present. */
import type { Services } from '../actors/mailbox.ts';
import { groupOptionsOf, selectionOf } from '../actors/selection.ts';
import { isThenable } from '../actors/describe.ts';
import type { HeldFailed, Sent } from '../actors/group-sender.ts';
import type { GroupMessage } from '../actors/notes.ts';
import type { PresenceFeed } from '../actors/presence-feed.ts';
import { HomingError } from '../errors.ts';
import { Codec } from '../wire/codec.ts';
import { forwardable } from '../wire/forward.ts';
import type { WireLimits } from '../wire/limits.ts';
import { scan } from '../wire/scan.ts';
import type { Action } from './behavior.ts';
import type { Contract } from '../contract.ts';

/** What services need of the session they are for. */
export interface ServicesOptions {
  readonly id: string;
  readonly wire: WireLimits;
  /** Undefined: nothing is allowed. */
  readonly authorize: ((action: Action<Contract>) => boolean | PromiseLike<boolean>) | undefined;
  readonly send: (message: GroupMessage, holdMs: number | undefined, failed: HeldFailed) => Sent | Promise<Sent>;
  /** Throws `BadOption` when presence is off. */
  readonly requirePresence: () => void;
  readonly watch: () => PresenceFeed;
  /** `authorize` threw, which counts as no. */
  readonly hookFailed: (cause: unknown) => void;
  /** Tells the client that a message of its own, which was held, came to nothing. */
  readonly heldFailed: HeldFailed;
}

/** Watches of presence that one session has at a time. */
const WATCHES_MAX = 16;

/** The services of one session. */
export function servicesFor(given: ServicesOptions): Services {
  const options = { ...given, watch: bounded(given.watch) };
  return ([name, ...args]) => {
    if (name === 'address') return address(options, args);
    if (name === 'presence') return presence(options);
    return undefined;
  };
}

/** What comes after it must not overtake it: the turn lasts until the message is on its way. */
function address(options: ServicesOptions, args: readonly unknown[]): ReturnType<Services> {
  const [selector, given, payload] = args;
  const selection = selectionOf(selector);
  const { except, holdMs } = groupOptionsOf(given);
  const message = { selection, except, payload: eventIn(payload, options.wire), from: options.id };
  const send = (isAllowed: unknown): Promise<readonly number[]> => {
    if (isAllowed !== true) throw forbidden('address others');
    return Promise.resolve(options.send(message, holdMs, options.heldFailed)).then(asList);
  };
  const isAllowed = ask(options, { type: 'address', selector: selector as string });
  if (!isThenable(isAllowed)) return { result: send(isAllowed) };
  // Sent in the same moment in which the hold ends; the answer is awaited apart.
  const begun = Promise.resolve(isAllowed).then((allowed) => ({ result: send(allowed) }));
  return { result: begun.then(({ result }) => result), hold: begun };
}

function presence(options: ServicesOptions): ReturnType<Services> {
  const { requirePresence, watch } = options;
  // Nothing is watched before it is read: a client that never does costs nothing.
  const feed = { [Symbol.asyncIterator]: () => watch()[Symbol.asyncIterator]() };
  const answer = (isAllowed: unknown): unknown => {
    if (isAllowed !== true) throw forbidden('see who is present');
    requirePresence();
    return feed;
  };
  const isAllowed = ask(options, { type: 'presence' });
  return { result: isThenable(isAllowed) ? isAllowed.then(answer) : answer(isAllowed) };
}

/** Each watch that nobody reads keeps the list of all who are here. */
function bounded(watch: () => PresenceFeed): () => PresenceFeed {
  let count = 0;
  return () => {
    if (count >= WATCHES_MAX) {
      throw new HomingError('TooManyCalls', `expected fewer than ${WATCHES_MAX} watches of presence by one session`);
    }
    const feed = watch();
    count += 1;
    feed.ended = () => (count -= 1);
    return feed;
  };
}

/** What the hook says. One that throws says no, and only this end hears why. */
function ask({ authorize, hookFailed }: ServicesOptions, action: Action<Contract>): unknown {
  const refuse = (cause: unknown): boolean => {
    hookFailed(cause);
    return false;
  };
  try {
    const isAllowed = authorize?.(action) ?? false;
    return isThenable(isAllowed) ? Promise.resolve(isAllowed).catch(refuse) : isAllowed;
  } catch (cause) {
    return refuse(cause);
  }
}

/** The payload of an event that a client wants to have sent, found to be one. Throws `InvalidInput`. */
function eventIn(payload: unknown, wire: WireLimits): Uint8Array {
  if (payload instanceof Uint8Array && isEvent(payload, wire)) return payload;
  throw new HomingError('InvalidInput', 'expected the payload of an event without functions and streams');
}

function isEvent(payload: Uint8Array, wire: WireLimits): boolean {
  const verdict = scan(payload, 0, payload.length, forwardable(wire));
  if (verdict < 0) return false;
  try {
    const event = new Codec(wire).decode(payload, 0, payload.length, verdict);
    return Array.isArray(event) && typeof event[0] === 'string';
  } catch {
    return false;
  }
}

function forbidden(what: string): HomingError {
  return new HomingError('Forbidden', `this session may not ${what}: authorize() of the server does not allow it`);
}

function asList({ accepted, refused, held }: Sent): readonly number[] {
  return [accepted, refused, held];
}
