/** The events of a connection as both handles show them: who listens, and `error` that nobody hears becomes a warning. */
import type { ConnectionState } from '../actors/dialler.ts';
import type { EndReport, LossChoice, LossReport } from '../actors/reports.ts';
import { Listeners, warn } from '../actors/listeners.ts';
import { describeError } from '../actors/describe.ts';
import { HomingError } from '../errors.ts';
import type { Connection, GapReport, ReconnectInfo } from './surface.ts';

/** The lifecycle events of a connection and their arguments. */
export type ConnectionEvents = {
  change: [state: ConnectionState, previous: ConnectionState];
  up: [info: { readonly resumed: boolean }];
  down: [info: { readonly code: string }];
  reconnect: [info: ReconnectInfo];
  gap: [report: GapReport];
  refused: [info: EndReport];
  closed: [info: EndReport];
  error: [error: HomingError];
};

/** What a `ConnectionView` shows; read when asked. */
export interface ConnectionSource {
  state(): ConnectionState;
  rttMs(): number | undefined;
}

/** A connection as its session shows it. */
export class ConnectionView implements Connection {
  readonly #source: ConnectionSource;
  /** Made for the first one. */
  #listeners: Listeners<ConnectionEvents> | undefined;

  constructor(source: ConnectionSource) {
    this.#source = source;
  }

  get state(): ConnectionState {
    return this.#source.state();
  }

  get rttMs(): number | undefined {
    return this.#source.rttMs();
  }

  on<Name extends keyof ConnectionEvents>(
    name: Name,
    listener: (...args: ConnectionEvents[Name]) => unknown,
  ): () => void {
    this.#listeners ??= new Listeners<ConnectionEvents>((error) => this.#listenerFailed(error));
    return this.#listeners.on(name, listener);
  }

  /** Whether anybody listens to an event. */
  has(name: keyof ConnectionEvents): boolean {
    return this.#listeners?.has(name) === true;
  }

  /** Tells an event; an error that nobody listens to becomes a process warning. */
  emit<Name extends keyof ConnectionEvents>(name: Name, ...args: ConnectionEvents[Name]): void {
    if (name === 'error' && !this.has('error')) warn(args[0] as HomingError);
    else this.#listeners?.emit(name, ...args);
  }

  /** Tells of a lost history; what the listeners choose counts while they run. */
  reportGap(loss: LossReport): LossChoice {
    const choice = { resend: false, discard: false };
    let isLive = true;
    const choose = (name: keyof LossChoice): void => {
      if (!isLive)
        throw new HomingError('GapReportSpent', `expected ${name}() while the gap listener runs, got it later`);
      choice[name] = true;
    };
    const report: GapReport = {
      ...loss,
      incoming: 'unknown',
      resend: () => choose('resend'),
      discard: () => choose('discard'),
    };
    this.emit('gap', report);
    isLive = false;
    return choice;
  }

  #listenerFailed(error: unknown): void {
    const sentence = `a listener of connection events threw: ${describeError(error).message}`;
    warn(new HomingError('HandlerFailed', sentence, { cause: error }));
  }
}
