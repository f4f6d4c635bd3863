/**
 * The page's line to the hub. It comes back by itself: at once after the first loss, then with growing waits, sooner when the
 * network or the person returns; a line that says nothing for a while counts as lost. Frames are told to listeners as they
 * come; what must be said again after each return is said by those who listen to `hello`.
 * @import { HubFrame, ViewerFrame } from '../frames.ts'
 */

const RETRY_FIRST_MS = 300;
const RETRY_MAX_MS = 8_000;
/** The hub tells of the fleet four times a second; so long a silence means that the line is gone. */
const SILENT_MS = 6_000;
const LOOK_MS = 1_000;

/** @typedef {{ type: 'connecting' } | { type: 'live' } | { type: 'waiting', retryAtMs: number, lostAtMs: number }} Status */
/** @typedef {HubFrame['type']} FrameType */

/** One line to one hub, for as long as the page lives. */
export class Live {
  /** @type {Map<string, Set<(frame: never) => void>>} */
  #listeners = new Map();
  /** @type {Set<(status: Status) => void>} */
  #watchers = new Set();
  /** @type {WebSocket | undefined} */
  #socket = undefined;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer = undefined;
  /** @type {Status} */
  #status = { type: 'connecting' };
  #attemptCount = 0;
  #lostAtMs = 0;
  #heardAtMs = 0;
  #url;

  /** @param {string} url of the hub's `/live` */
  constructor(url) {
    this.#url = url;
    addEventListener('online', () => this.retry());
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.retry();
    });
    setInterval(() => this.#look(), LOOK_MS);
  }

  get status() {
    return this.#status;
  }

  /** Opens the line; once. */
  open() {
    this.#dial();
  }

  /** Does not wait any longer where a retry is planned. */
  retry() {
    if (this.#status.type === 'waiting') this.#dial();
  }

  /**
   * Says something to the hub; nothing while the line is lost, since who returns says it all again.
   * @param {ViewerFrame} frame
   */
  send(frame) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /**
   * Calls `take` with each frame of a type, until the returned function is called.
   * @template {FrameType} Type
   * @param {Type} type
   * @param {(frame: Extract<HubFrame, { type: Type }>) => void} take
   * @returns {() => void}
   */
  on(type, take) {
    const listeners = this.#listeners.get(type) ?? new Set();
    this.#listeners.set(type, listeners.add(take));
    return () => void listeners.delete(take);
  }

  /**
   * Calls `take` with the status now and whenever it changes.
   * @param {(status: Status) => void} take
   */
  watch(take) {
    this.#watchers.add(take);
    take(this.#status);
  }

  #dial() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#heardAtMs = Date.now();
    this.#tell({ type: 'connecting' });
    socket.addEventListener('message', ({ data }) => {
      if (socket === this.#socket) this.#take(String(data));
    });
    socket.addEventListener('close', () => {
      if (socket === this.#socket) this.#lose();
    });
  }

  /** @param {string} text */
  #take(text) {
    this.#heardAtMs = Date.now();
    const frame = /** @type {HubFrame} */ (JSON.parse(text));
    if (frame.type === 'hello') {
      this.#attemptCount = 0;
      this.#lostAtMs = 0;
      this.#tell({ type: 'live' });
    }
    for (const take of this.#listeners.get(frame.type) ?? []) take(/** @type {never} */ (frame));
  }

  #lose() {
    const now = Date.now();
    this.#socket = undefined;
    this.#lostAtMs ||= now;
    const ceiling = Math.min(RETRY_MAX_MS, RETRY_FIRST_MS * 2 ** this.#attemptCount);
    const waitMs = this.#attemptCount === 0 ? RETRY_FIRST_MS : ceiling * (0.5 + Math.random() / 2);
    this.#attemptCount += 1;
    this.#timer = setTimeout(() => this.#dial(), waitMs);
    this.#tell({ type: 'waiting', retryAtMs: now + waitMs, lostAtMs: this.#lostAtMs });
  }

  /** Gives a silent line up without waiting for its goodbye. */
  #look() {
    const socket = this.#socket;
    if (socket === undefined || Date.now() - this.#heardAtMs < SILENT_MS) return;
    this.#lose();
    socket.close();
  }

  /** @param {Status} status */
  #tell(status) {
    this.#status = status;
    for (const take of this.#watchers) take(status);
  }
}
