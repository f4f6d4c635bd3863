/** The sender of a stream, the same at both ends: as fast as its link takes it, over whichever link there is now. */
import { setImmediate } from 'node:timers/promises';
import type { Link } from './contestant.ts';
import { messageOf, textFor, userOf } from './message.ts';

/** Messages between two looks at what else is to be done. */
const BURST = 256;

/** Bursts between two turns of the loop for a link that never asks to wait. */
const BURSTS_A_TURN = 16;

const USER = userOf(0);
const TEXT = textFor(90);

/** Sends numbered messages of about 90 bytes, from 0 on. */
export class Spout {
  /** Messages handed over so far, which is also the number of the next one. */
  sent = 0;
  #link: Link | undefined;
  #isOpen = false;
  #wake: (() => void) | undefined;

  /** From now on messages leave by this link; one that waits for the room of another link goes on. */
  use(link: Link): void {
    this.#link = link;
    this.stir();
  }

  /** Who waits for room looks again: the link is up again after a cut. */
  stir(): void {
    this.#wake?.();
  }

  /** Sends until it is stopped. */
  async pour(): Promise<void> {
    this.#isOpen = true;
    let bursts = 0;
    while (this.#isOpen) {
      if (!this.#burst()) await this.#room();
      else if ((bursts += 1) % BURSTS_A_TURN === 0) await setImmediate();
    }
  }

  /** No more messages. */
  stop(): void {
    this.#isOpen = false;
    this.stir();
  }

  /** False: there is no room for more now. */
  #burst(): boolean {
    const link = this.#link;
    if (link === undefined) return false;
    for (let index = 0; index < BURST; index += 1) {
      const hasRoom = link.send(messageOf(this.sent, USER, TEXT));
      this.sent += 1;
      if (!hasRoom) return false;
    }
    return true;
  }

  #room(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
      // A link that was cut may never have room again; then the next one wakes this up.
      this.#link?.room().then(resolve, resolve);
    });
  }
}
