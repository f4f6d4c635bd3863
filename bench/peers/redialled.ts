/** A client's link over one line after the other, for contestants whose lines do not come back by themselves. */
import type { ConnectOptions, Link, Message } from './contestant.ts';
import type { Packet } from './packet.ts';
import { redial } from './redial.ts';
import { Requests } from './requests.ts';

/** One connection of a contestant. */
export interface Wire {
  /** Sends, or drops where nobody can get it; false: wait for room. */
  put(packet: Packet): boolean;
  /** Resolves when there is room, after a turn of the event loop at the earliest. */
  room(): Promise<void>;
  close(): void;
  /** Set by its owner: takes what comes, and hears of its end. */
  take: (packet: Packet) => void;
  ended: () => void;
}

/** Outlives its wires; what was under way when one was cut is lost, calls as well. */
export class RedialledLink implements Link {
  readonly #dial: () => Promise<Wire>;
  readonly #isEager: boolean;
  readonly #requests = new Requests();
  #wire: Wire;
  #take: (message: Message) => void = () => {};
  #tellUp: () => void = () => {};
  #tellDown: () => void = () => {};
  #isClosed = false;

  /** Dials for the first time. */
  static async open(dial: () => Promise<Wire>, options: ConnectOptions): Promise<RedialledLink> {
    return new RedialledLink(await dial(), dial, options);
  }

  constructor(wire: Wire, dial: () => Promise<Wire>, { isEager = false }: ConnectOptions) {
    this.#dial = dial;
    this.#isEager = isEager;
    this.#wire = wire;
    this.#adopt(wire);
  }

  send(message: Message): boolean {
    return this.#wire.put(['message', message]);
  }

  room(): Promise<void> {
    return this.#wire.room();
  }

  onMessage(take: (message: Message) => void): void {
    this.#take = take;
  }

  call(left: number, right: number): Promise<number> {
    return this.#requests.open((id) => this.#wire.put(['call', id, left, right]));
  }

  onUp(tell: () => void): void {
    this.#tellUp = tell;
  }

  onDown(tell: () => void): void {
    this.#tellDown = tell;
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#wire.close();
    return Promise.resolve();
  }

  #adopt(wire: Wire): void {
    this.#wire = wire;
    wire.take = (packet) => {
      if (packet[0] === 'message') this.#take(packet[1]);
      else if (packet[0] === 'result') this.#requests.settle(packet[1], packet[2]);
    };
    wire.ended = () => void this.#return();
  }

  async #return(): Promise<void> {
    if (!this.#isClosed) this.#tellDown();
    const wire = await redial(this.#dial, { isEager: this.#isEager, isWanted: () => !this.#isClosed });
    if (wire === undefined) return;
    this.#adopt(wire);
    this.#tellUp();
  }
}

/** The server's end of a wire, which lives as long as the wire does; answers calls. */
export function linkOf(wire: Wire): Link {
  let taken: (message: Message) => void = () => {};
  wire.take = (packet) => {
    if (packet[0] === 'message') taken(packet[1]);
    else if (packet[0] === 'call') wire.put(['result', packet[1], packet[2] + packet[3]]);
  };
  return {
    send: (message) => wire.put(['message', message]),
    room: () => wire.room(),
    onMessage: (take) => (taken = take),
    onUp: () => {},
    close: () => Promise.resolve(wire.close()),
  };
}
