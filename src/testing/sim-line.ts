/**
 * A simulated connection: two ends that are lines to their actors, and a flow in each direction between them. An end
 * behaves as a socket does in `transports/stream`: it answers a FIN with its own, reads nothing after its goodbye, and
 * tells `closed` once. A chunk is overwritten when its reader is done, so that whoever kept a view of it is found out.
 */
import type { Line, LineEnds, LineEvents } from '../actors/ports.ts';
import type { Draws } from './draws.ts';
import { Flow, type FlowEnd, type Weather } from './flow.ts';
import type { SimHost } from './sim-host.ts';
import type { VirtualClock } from './virtual-clock.ts';

/** Where bytes go. */
export type Toward = 'server' | 'client';

/** The other end, or the other direction. */
export function opposite(toward: Toward): Toward {
  return toward === 'server' ? 'client' : 'server';
}

/** What a line is made with. */
export interface SimLineOptions {
  readonly clock: VirtualClock;
  readonly draws: Draws;
  readonly toServer: Weather;
  readonly toClient: Weather;
  /** How many bytes may be read in this direction before something befalls the line. */
  readonly allowance: (toward: Toward) => number;
  /** So many bytes were read in this direction, with the sum of them. */
  readonly passed: (toward: Toward, count: number) => void;
  /** An event has reached an actor. */
  readonly touched: (kind: 'read' | 'ended' | 'drained' | 'opened', toward: Toward, count: number) => void;
  /** Shown what is read, before its reader has it. */
  readonly tap: (toward: Toward, chunk: Uint8Array) => void;
}

const POISON = 0xee;

/** One end of a simulated line. */
export class SimEnd implements Line {
  readonly ends: LineEnds;
  /** Who uses the end; undefined when nobody does, and what comes is thrown away. */
  events: LineEvents | undefined;
  /** The process that uses it. */
  host: SimHost | undefined;
  /** Nothing more is told, and nothing more is written. */
  isOver = false;
  readonly #draws: Draws;
  readonly #out: () => Flow;
  readonly #in: () => Flow;
  /** Told what is written first: the HELLO of a dialling end. */
  onFirstWrite: ((bytes: Uint8Array) => void) | undefined;

  constructor(ends: LineEnds, draws: Draws, incoming: () => Flow, outgoing: () => Flow) {
    this.ends = ends;
    this.#draws = draws;
    this.#in = incoming;
    this.#out = outgoing;
  }

  write(parts: readonly Uint8Array[]): boolean {
    if (this.isOver) return true;
    if (this.onFirstWrite !== undefined && parts[0] !== undefined) {
      this.onFirstWrite(parts[0].slice());
      this.onFirstWrite = undefined;
    }
    return this.#out().write(parts);
  }

  end(): void {
    this.isOver = true;
    this.#out().end('finish');
  }

  /** As a kernel closes: what was written may still arrive, or a reset overtakes it. */
  destroy(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.#in().stop();
    if (this.#draws.below(2) === 0) this.#out().end('finish');
    else this.#out().breakOff('reset');
  }

  pause(isPaused: boolean): void {
    if (!this.isOver) this.#in().pause(isPaused);
  }

  ref(): void {}

  /** The peer has ended the line: a FIN is answered with a FIN. */
  ended(by: FlowEnd): void {
    if (this.isOver) return;
    if (by === 'finish') this.#out().end('finish');
    else this.#out().stop();
    this.lose(by);
  }

  /** The line has ended for this end. */
  lose(by: FlowEnd): void {
    if (this.isOver) return;
    this.isOver = true;
    this.events?.closed(by === 'reset' ? resetError : undefined);
  }
}

/** One for all: a stack of the simulator tells nobody anything, and making one takes longer than most events. */
const resetError = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });

/** A connection between two processes. */
export class SimLine {
  readonly client: SimEnd;
  readonly server: SimEnd;
  readonly toServer: Flow;
  readonly toClient: Flow;
  readonly #touched: SimLineOptions['touched'];
  readonly #tap: SimLineOptions['tap'];

  constructor(options: SimLineOptions, ends: { readonly client: LineEnds; readonly server: LineEnds }) {
    const { clock, draws } = options;
    this.#touched = options.touched;
    this.#tap = options.tap;
    this.client = new SimEnd(
      ends.client,
      draws,
      () => this.toClient,
      () => this.toServer,
    );
    this.server = new SimEnd(
      ends.server,
      draws,
      () => this.toServer,
      () => this.toClient,
    );
    this.toServer = new Flow(clock, draws, options.toServer, this.#sides('server', options));
    this.toClient = new Flow(clock, draws, options.toClient, this.#sides('client', options));
  }

  /** The flow in this direction. */
  flow(toward: Toward): Flow {
    return toward === 'server' ? this.toServer : this.toClient;
  }

  /** Whether neither end uses it any more. */
  get isOver(): boolean {
    return this.client.isOver && this.server.isOver;
  }

  /** Nothing happens on it any more. */
  stop(): void {
    this.toServer.stop();
    this.toClient.stop();
  }

  /** Stalls are over; what was swallowed stays so. */
  catchUp(): void {
    this.toServer.resume();
    this.toClient.resume();
  }

  /** Cuts it where it is: the reader in this direction learns it now, the other end once the news has travelled. */
  cut(toward: Toward, by: FlowEnd): void {
    const [reader, writer] = toward === 'server' ? [this.server, this.client] : [this.client, this.server];
    const back = this.flow(toward === 'server' ? 'client' : 'server');
    this.flow(toward).stop();
    if (by === 'finish') back.end('finish');
    else back.breakOff('reset');
    if (writer.isOver) back.stop();
    deliver(reader, () => reader.lose(by));
  }

  #sides(toward: Toward, { allowance, passed }: SimLineOptions) {
    const reader = (): SimEnd => (toward === 'server' ? this.server : this.client);
    const writer = (): SimEnd => (toward === 'server' ? this.client : this.server);
    return {
      read: (chunk: Uint8Array) => this.#read(reader(), toward, chunk),
      ended: (by: FlowEnd) => {
        const end = reader();
        deliver(end, () => {
          if (!end.isOver) this.#touched('ended', toward, 0);
          end.ended(by);
        });
      },
      drained: () => {
        const end = writer();
        deliver(end, () => {
          if (end.isOver) return;
          this.#touched('drained', toward, 0);
          end.events?.drained();
        });
      },
      allowance: () => allowance(toward),
      passed: (count: number) => passed(toward, count),
    };
  }

  #read(end: SimEnd, toward: Toward, chunk: Uint8Array): void {
    deliver(end, () => {
      if (end.isOver) return;
      this.#touched('read', toward, chunk.length);
      this.#tap(toward, chunk);
      end.events?.received(chunk);
      chunk.fill(POISON);
    });
  }
}

function deliver(end: SimEnd, task: () => void): void {
  if (end.host === undefined) task();
  else end.host.bring(task);
}
