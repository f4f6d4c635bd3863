/**
 * What the two programs of a contestant have in common: links, what is sent over them and what comes. A server tells its
 * clients apart by the `user` of their messages, as one that was cut may come back as another link; a client knows its links.
 */
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { nowMs } from '../clock.ts';
import type { Link, Message } from './contestant.ts';
import { messageOf, textFor, userOf } from './message.ts';
import type { EndOrder, Poured, Settled } from './orders.ts';
import { Tally, countOf } from './tally.ts';
import { type Usage, usageOf, usageOfSelf } from './usage.ts';

/** Messages between two looks at the clock, by a sender and by a receiver. */
const BURST = 256;
const LOOK_EVERY = 1_024;

/** A receiver looks so often whether all have come, and gives up when none has come for so long. */
const LOOK_MS = 2;
const QUIET_MS = 2_000;

/** A link and what was sent over it. */
interface Outlet {
  readonly link: Link;
  readonly user: string;
  sent: number;
}

/** One end with all its links. */
export class End {
  readonly #outlets: Outlet[] = [];
  readonly #tallies = new Map<string, Tally>();
  readonly #isServer: boolean;
  #opened = 0;
  #came = 0;
  #lastAtMs = 0;

  constructor(side: 'server' | 'client') {
    this.#isServer = side === 'server';
  }

  /** All links so far, in the order in which they came. */
  get links(): readonly Link[] {
    return this.#outlets.map(({ link }) => link);
  }

  /** Takes a link, which it sends over and listens to from now on. */
  add(link: Link): void {
    const user = userOf(this.#opened);
    this.#opened += 1;
    this.#outlets.push({ link, user, sent: 0 });
    let tally = this.#isServer ? undefined : this.#tallyOf(user);
    let from = user;
    link.onMessage((message) => {
      if (this.#isServer && (tally === undefined || message.user !== from)) {
        from = message.user;
        tally = this.#tallyOf(from);
      }
      tally?.take(message.id);
      this.#count(message);
    });
  }

  /** Forgets its links; what came is kept. */
  clear(): void {
    this.#outlets.length = 0;
  }

  /** Does what it is told; `brokerPid` is the process to weigh when it is not this one. */
  obey(order: EndOrder, brokerPid?: number): Promise<Poured | Settled | Usage> {
    switch (order.type) {
      case 'pour':
        return this.#pour(order.milliseconds, order.bytes);
      case 'settle':
        return this.#settle(order.expected);
      case 'usage':
        return Promise.resolve(brokerPid === undefined ? usageOfSelf() : usageOf(brokerPid));
    }
  }

  #tallyOf(user: string): Tally {
    const known = this.#tallies.get(user);
    if (known !== undefined) return known;
    const tally = new Tally();
    this.#tallies.set(user, tally);
    return tally;
  }

  #count(message: Message): void {
    this.#came += 1;
    if (!message.ok || this.#came % LOOK_EVERY === 0) this.#lastAtMs = nowMs();
  }

  async #pour(milliseconds: number, bytes: number): Promise<Poured> {
    const text = textFor(bytes);
    const before = this.#sent();
    const startedAtMs = nowMs();
    const endMs = performance.now() + milliseconds;
    const isAlone = this.#outlets.length === 1;
    await Promise.all(this.#outlets.map((outlet) => pourInto(outlet, { text, endMs, isAlone })));
    const sent = this.#sent();
    return { startedAtMs, sent, poured: sent - before };
  }

  #sent(): number {
    return this.#outlets.reduce((sum, { sent }) => sum + sent, 0);
  }

  async #settle(expected: number): Promise<Settled> {
    let seen = this.#came;
    let seenAtMs = performance.now();
    while (this.#came < expected && performance.now() - seenAtMs < QUIET_MS) {
      await sleep(LOOK_MS);
      if (this.#came > seen) seenAtMs = performance.now();
      seen = this.#came;
    }
    return { ...countOf(this.#tallies.values()), lastAtMs: this.#lastAtMs };
  }
}

interface Pouring {
  readonly text: string;
  readonly endMs: number;
  /** One of several lets the others have their turn after each burst. */
  readonly isAlone: boolean;
}

async function pourInto(outlet: Outlet, { text, endMs, isAlone }: Pouring): Promise<void> {
  const { link, user } = outlet;
  while (performance.now() < endMs) {
    let hasRoom = true;
    for (let index = 0; index < BURST && hasRoom; index += 1) {
      hasRoom = link.send(messageOf(outlet.sent, user, text));
      outlet.sent += 1;
    }
    if (!hasRoom) await link.room();
    else if (!isAlone) await turn();
  }
  link.send(messageOf(outlet.sent, user, text, true));
  outlet.sent += 1;
}
