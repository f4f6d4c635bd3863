/**
 * One viewer behind a WebSocket. One that is too slow loses the oldest frames first and is told how many; it never holds up
 * anybody, and never keeps the process alive.
 */
import type { WebSocket } from 'ws';

/** Bytes that may be on their way before frames wait here, and how many may wait. */
const AHEAD_BYTES = 262_144;
const WAITING_MAX = 500;
/** A frame of more characters is not sent: the viewer is told that one is missing. */
const FRAME_CHARACTERS_MAX = 1_048_576;

/** Somebody who looks. */
export class Viewer {
  readonly #socket: WebSocket;
  readonly #waiting: string[] = [];
  readonly #tellsMissed: boolean;
  #missedCount = 0;

  /** `tellsMissed`: whether the viewer understands a frame that says so. */
  constructor(socket: WebSocket, tellsMissed: boolean) {
    this.#socket = socket;
    this.#tellsMissed = tellsMissed;
  }

  /** Sends a frame, or keeps it until there is room. */
  send(frame: object): void {
    this.sendText(JSON.stringify(frame, plainly));
  }

  /** The same for a frame that is text already. */
  sendText(text: string): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (text.length > FRAME_CHARACTERS_MAX) this.#missedCount += 1;
    else this.#waiting.push(text);
    if (this.#waiting.length > WAITING_MAX) {
      this.#waiting.shift();
      this.#missedCount += 1;
    }
    this.#pump();
  }

  readonly #pump = (): void => {
    const socket = this.#socket;
    if (socket.readyState !== socket.OPEN) return;
    if (this.#missedCount > 0 && this.#tellsMissed && socket.bufferedAmount < AHEAD_BYTES) {
      socket.send(JSON.stringify({ type: 'missed', count: this.#missedCount }));
      this.#missedCount = 0;
    }
    while (socket.bufferedAmount < AHEAD_BYTES) {
      const text = this.#waiting.shift();
      if (text === undefined) return;
      socket.send(text, this.#pump);
    }
  };
}

/** Values that JSON has no words for. */
function plainly(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  return value;
}
