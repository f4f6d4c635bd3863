/** The sessions that a server has dialled while its shards are threads: which shard has each, and who waits for it. */
import type { SessionInfo } from '../actors/hosted-session.ts';
import { Count } from '../actors/tally.ts';
import { HomingError } from '../errors.ts';
import type { Address } from '../transports/address.ts';
import type { Member } from './member.ts';
import type { DialOptions } from './shards.ts';

interface Dialled {
  readonly key: number;
  readonly address: Address;
  readonly credentials: unknown;
  readonly settle: (result: SessionInfo | HomingError) => void;
  readonly over: () => void;
  member: Member | undefined;
}

/** Dialled sessions, from the order to their end. */
export class Dials {
  readonly #open: () => readonly Member[];
  readonly #dialled = new Map<number, Dialled>();
  #lastKey = 0;

  /** `open`: the shards that take orders now. */
  constructor(open: () => readonly Member[]) {
    this.#open = open;
  }

  /** Dials from the shard with the fewest sessions; resolves when the session is up for the first time. */
  start(address: Address, credentials: unknown, signal: DialOptions['signal']): Promise<SessionInfo> {
    return new Promise((resolve, reject) => {
      this.#lastKey += 1;
      const key = this.#lastKey;
      const end = (): void => this.#hangUp(key);
      const settle = (result: SessionInfo | HomingError): void =>
        result instanceof HomingError ? reject(result) : resolve(result);
      const over = (): void => signal?.removeEventListener('abort', end);
      const dialled: Dialled = { key, address, credentials, settle, over, member: undefined };
      this.#dialled.set(key, dialled);
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted === true) end();
      else this.#place(dialled);
    });
  }

  /** It is up for the first time, or failed for good. */
  settled(key: number, result: SessionInfo | HomingError): void {
    this.#dialled.get(key)?.settle(result);
  }

  /** It has ended. */
  ended(key: number): void {
    this.#dialled.get(key)?.over();
    this.#dialled.delete(key);
  }

  /** A shard has come: it takes what waits for one. */
  placeWaiting(): void {
    for (const dialled of this.#dialled.values()) if (dialled.member === undefined) this.#place(dialled);
  }

  /** A shard is gone, and its sessions with it: as a crashed client would, they are dialled anew, as new sessions. */
  lost(member: Member): void {
    for (const dialled of this.#dialled.values()) {
      if (dialled.member !== member) continue;
      dialled.member = undefined;
      this.#place(dialled);
    }
  }

  /** Nobody will dial any more. */
  dropAll(error: HomingError): void {
    for (const dialled of this.#dialled.values()) this.#drop(dialled, error);
  }

  #place(dialled: Dialled): void {
    let best: Member | undefined;
    let least = Infinity;
    for (const member of this.#open()) {
      // Orders on their way are not counted by the shard yet.
      const sessions = member.tally.read(Count.SESSIONS) + member.dialsOnTheirWay;
      if (sessions >= least) continue;
      best = member;
      least = sessions;
    }
    dialled.member = best;
    const { key, address, credentials } = dialled;
    best?.dial({ type: 'dial', key, address, credentials });
  }

  #drop(dialled: Dialled, error: HomingError): void {
    this.#dialled.delete(dialled.key);
    dialled.settle(error);
    dialled.over();
  }

  #hangUp(key: number): void {
    const dialled = this.#dialled.get(key);
    if (dialled === undefined) return;
    if (dialled.member === undefined) this.#drop(dialled, new HomingError('Aborted', 'the signal was aborted'));
    else dialled.member.order({ type: 'hangUp', key });
  }
}

/** A copy that can go to another thread. Throws `BadOption` for what has none. */
export function copiedCredentials(credentials: unknown): unknown {
  try {
    return structuredClone(credentials);
  } catch (error) {
    const sentence =
      'expected credentials that can be sent to a shard: values, no functions (without shards they may be one)';
    throw new HomingError('BadOption', sentence, { cause: error });
  }
}
