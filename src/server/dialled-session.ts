/** A session that a shard has dialled, as its behavior's handle sees it: through all epochs one session. */
import type { Dialler } from '../actors/dialler.ts';
import type { SessionActor } from '../actors/session-actor.ts';
import type { Held } from './session.ts';

/** A dialled session. */
export class DialledSession implements Held {
  readonly dialler: Dialler;
  /** Nobody authenticates to the one who dials. */
  readonly identity = undefined;
  readonly isDialled = true;
  /** It was up once: the behavior has started. */
  isSeen = false;
  /** The server's listeners know it as up. */
  isToldUp = false;
  /** It has ended, or is about to. */
  isOver = false;

  constructor(dialler: Dialler) {
    this.dialler = dialler;
  }

  get id(): string {
    return this.actor.session.id ?? '';
  }

  get epoch(): number {
    return this.actor.session.epoch;
  }

  get actor(): SessionActor {
    return this.dialler.actor;
  }

  end(): void {
    this.isOver = true;
    this.dialler.close(0);
  }
}
