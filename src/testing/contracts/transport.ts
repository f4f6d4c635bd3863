/**
 * What a transport of an author's own keeps: the Duplexes that `createConnection` gives a client and those that a server accepts.
 * Homing makes a line of each, so a transport is right when the lines over it are.
 */
import type { Duplex } from 'node:stream';
import { existingStream, streamFactory } from '../../transports/stream-dial.ts';
import type { ContractCase, Passing } from './case.ts';
import { lineContract } from './line.ts';

/** One connection of a transport, still to be made; disposed of when its case is over. */
export interface TransportPair extends AsyncDisposable {
  /** What the client has as `createConnection`. Asked once. */
  createConnection(): Duplex | Promise<Duplex>;
  /** Resolves to the other end, what goes to `server.accept`, once the connection has been asked for. */
  accepted(): Promise<Duplex>;
  /** Breaks what is between the ends, as a network would: no goodbye. */
  cut(): void;
}

/** A transport. */
export interface TransportAdapter extends Passing {
  /** A new connection, asked for by each case. */
  pair(): Promise<TransportPair>;
  /** A connection that must fail, by a throw or a rejection or an error of the stream; without it that case is left out. */
  readonly failing?: () => Duplex | Promise<Duplex>;
  /** Whether both ends are told an error by a cut; otherwise they may merely see an end. False if nothing is said. */
  readonly cutIsError?: boolean;
  /** Bytes of the largest case, 4,000,000 if nothing is said. */
  readonly bulkBytes?: number;
}

/** The cases for a transport. */
export function transportContract(adapter: TransportAdapter): readonly ContractCase[] {
  const { failing, turn, cutIsError = false, bulkBytes } = adapter;
  return lineContract({
    ...(turn === undefined ? {} : { turn: () => turn.call(adapter) }),
    ...(bulkBytes === undefined ? {} : { bulkBytes }),
    ...(failing === undefined ? {} : { failing: () => streamFactory(() => failing.call(adapter)) }),
    cutIsError,
    async pair() {
      const pair = await adapter.pair();
      return {
        dialling: streamFactory(() => pair.createConnection()),
        accepting: async () => existingStream(await pair.accepted()),
        cut: () => pair.cut(),
        [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
      };
    },
  }).map(({ id, title, run }) => ({
    id: id.replace(/^line/, 'transport'),
    title: title.replace(/^a line/, 'a connection'),
    run,
  }));
}
