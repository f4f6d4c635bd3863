/** One shard thread as the main thread sees it: how to reach it, what it counts, and which sessions it has told of. */
import { MessageChannel, type MessagePort, type Transferable, receiveMessageOnPort } from 'node:worker_threads';
import type { InspectOrder } from '../actors/events.ts';
import type { SessionInfo } from '../actors/hosted-session.ts';
import { type ShardNews, wholeError } from '../actors/news.ts';
import { Count, Tally } from '../actors/tally.ts';
import type { HomingError } from '../errors.ts';
import type { Inspection } from './inspection.ts';
import type { Order, PlainNews, Report } from './orders.ts';

interface Listed {
  readonly info: SessionInfo;
  isUp: boolean;
}

/** The thread in one place. Its successor is another member. */
export class Member {
  readonly place: number;
  readonly generation: number;
  readonly tally = Tally.shared();
  /** For the thread; goes with its start. */
  readonly portOfThread: MessagePort;
  /** Sockets, streams and dials may be given to it. */
  isOpen = false;
  isDrained = false;
  readonly #port: MessagePort;
  readonly #listed = new Map<string, Listed>();
  #handedCount = 0;
  #dialCount = 0;
  #leaveInspector: (() => void) | undefined;

  constructor(place: number, generation: number, told: (report: Report) => void) {
    this.place = place;
    this.generation = generation;
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.portOfThread = port2;
    port1.on('message', told);
  }

  /** Sockets and lines it has, those on their way to it included. */
  get load(): number {
    const { tally } = this;
    return tally.read(Count.CONNECTIONS) + tally.read(Count.RELAYS) + this.#handedCount - tally.read(Count.TAKEN);
  }

  /** Dials that the shard has not begun. */
  get dialsOnTheirWay(): number {
    return this.#dialCount - this.tally.read(Count.DIALS);
  }

  /** Has the shard dial. */
  dial(order: Extract<Order, { type: 'dial' }>): void {
    this.#dialCount += 1;
    this.order(order);
  }

  /** Makes the thread known to an inspector; what is returned is for the thread, and goes with its start. */
  inspect(inspection: Inspection): MessagePort {
    const { port1, port2 } = new MessageChannel();
    const { place, generation, tally } = this;
    const order = (order: InspectOrder): void => port1.postMessage(order);
    const joined = inspection.join({ place: String(place), generation, memory: tally.memory, order });
    port1.on('message', joined.told);
    port1.unref();
    this.#leaveInspector = () => {
      joined.leave();
      port1.close();
    };
    return port2;
  }

  order(order: Order, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(order, [...transfer]);
  }

  /** Hands over what is counted as taken when it arrives: a socket or a stream. */
  hand(order: Order, transfer: readonly unknown[]): void {
    // Sockets may be transferred since Node 24.20, which its types do not know.
    this.#port.postMessage(order, transfer as Transferable[]);
    this.#handedCount += 1;
  }

  /** Puts errors together again and keeps the list of sessions. */
  take(news: PlainNews): ShardNews {
    const listed = this.#listed;
    if (news.type === 'error') return { ...news, error: wholeError(news.error) as HomingError };
    const { info } = news;
    if (news.type === 'session') listed.set(info.id, { info, isUp: false });
    else if (news.type === 'end') listed.delete(info.id);
    else if (news.type === 'gap' && news.oldId !== info.id) {
      listed.delete(news.oldId);
      listed.set(info.id, { info, isUp: false });
    } else if (news.type === 'up' || news.type === 'down') {
      const entry = listed.get(info.id);
      if (entry !== undefined) entry.isUp = news.type === 'up';
    }
    return news;
  }

  /** The thread is gone: what it still said, then what has to be told in its place. */
  bury(told: (report: Report) => void): ShardNews[] {
    this.isOpen = false;
    for (let last = receiveMessageOnPort(this.#port); last !== undefined; last = receiveMessageOnPort(this.#port)) {
      told(last.message as Report);
    }
    this.#port.close();
    this.#leaveInspector?.();
    const news: ShardNews[] = [];
    for (const { info, isUp } of this.#listed.values()) {
      if (isUp) news.push({ type: 'down', info, code: 'shard-lost' });
      // Nobody can tell any more what was left undone.
      news.push({ type: 'end', info, code: 'shard-lost', unconfirmed: Number.NaN, carried: Number.NaN });
    }
    this.#listed.clear();
    return news;
  }
}
