/** A simulated connection on its way from the network to who reads it: a process, or one of its threads. */
import type { Dial, Line, LineEvents } from '../actors/ports.ts';
import type { SimHost } from './sim-host.ts';
import type { SimLine } from './sim-line.ts';

/** A connection that has arrived, and that nobody reads yet. Used once. */
export interface Arrival {
  /** A thread takes it. */
  dial(host: SimHost): Dial;
  /** Nobody does. */
  drop(): void;
}

/** The process that a path leads to. */
export interface PathServer {
  readonly host: SimHost;
  /** Takes a new connection. */
  accept(dial: Dial): void;
  /** Instead of `accept`: hands the connection on to one of its threads, later. */
  readonly deal?: ((arrival: Arrival) => void) | undefined;
  /** Who listens at another port. */
  at?(port: number): PathServer | undefined;
}

/** A line reaches who listens there. */
export function arrive(line: SimLine, server: PathServer): void {
  const { host, deal } = server;
  if (deal === undefined) {
    line.server.host = host;
    host.bring(() => server.accept((events) => accepted(line, host, events)));
    return;
  }
  line.server.pause(true);
  host.bring(() => deal(arrivalOf(line)));
}

function arrivalOf(line: SimLine): Arrival {
  return {
    dial: (host) => (events) => {
      line.server.host = host;
      if (line.server.isOver) {
        host.defer(() => events.closed(undefined));
        return line.server;
      }
      line.server.pause(false);
      return accepted(line, host, events);
    },
    drop: () => line.server.destroy(),
  };
}

function accepted(line: SimLine, host: SimHost, events: LineEvents): Line {
  line.server.events = events;
  host.defer(() => {
    if (!line.server.isOver) events.opened();
  });
  return line.server;
}
