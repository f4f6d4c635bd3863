/**
 * A tool of Stately's at the other end of a WebSocket: it is told what connections do, in its own frames, and asks nothing.
 * With `?watch=` it sees one connection or session, without it the first connections that are there.
 */
import type { WatchEvent } from '../actors/events.ts';
import type { Onlooker } from './hub.ts';
import type { SessionParts } from './live-session.ts';
import { StatelyFrames } from './stately.ts';

/** Connections that are shown where none was asked for: hundreds of actors choke a viewer. */
const SHOWN_MAX = 20;

/** One receiver. */
export class StatelySession implements Onlooker {
  readonly #parts: SessionParts;
  readonly #frames: StatelyFrames;
  #isClosed = false;

  constructor(parts: SessionParts, id: string | undefined) {
    this.#parts = parts;
    this.#frames = new StatelyFrames(parts.node);
    parts.hub.enter(this);
    if (id !== undefined) parts.hub.watch(this, id);
    else void this.#watchFirst();
  }

  /** What it says does not matter. */
  take(_text: string): void {}

  close(): void {
    this.#isClosed = true;
    this.#parts.hub.leave(this);
  }

  watched(_id: string, events: readonly WatchEvent[]): void {
    for (const event of events) for (const frame of this.#frames.of(event)) this.#parts.send(frame);
  }

  fleet(): void {}

  detail(): void {}

  gone(): void {}

  async #watchFirst(): Promise<void> {
    const { rows } = await this.#parts.hub.list(undefined, {}, SHOWN_MAX);
    if (this.#isClosed) return;
    for (const { id, sessionId } of rows) this.#parts.hub.watch(this, sessionId ?? id);
  }
}
