/** Streams that the user has, or makes for each connection, as a way to dial. */
import type { Duplex } from 'node:stream';
import type { Dial, Line } from '../actors/ports.ts';
import { NOWHERE } from './ends.ts';
import { streamLine } from './stream.ts';

/** A stream that is there already, used for one connection. */
export function existingStream(stream: Duplex): Dial {
  return (events) => streamLine(stream, events);
}

/** Asks for a stream for each connection; it may come later. What is thrown or rejected counts as a failed dial. */
export function streamFactory(createConnection: () => Duplex | Promise<Duplex>): Dial {
  return (events) => {
    let line: Line | undefined;
    let isReferenced = true;
    let isPaused = false;
    let isWanted = true;
    async function make(): Promise<void> {
      try {
        const stream = await Promise.resolve().then(createConnection);
        if (typeof stream?.pipe !== 'function') throw new TypeError('expected createConnection to give a Duplex');
        if (!isWanted) return void stream.on('error', () => {}).destroy();
        line = streamLine(stream, events);
        line.ref(isReferenced);
        line.pause(isPaused);
      } catch (error) {
        if (isWanted) events.closed(error instanceof Error ? error : new Error(String(error)));
      }
    }
    void make();
    return {
      get ends() {
        return line?.ends ?? NOWHERE;
      },
      write: (parts) => line?.write(parts) ?? true,
      pause: (on) => {
        isPaused = on;
        line?.pause(on);
      },
      end: () => {
        isWanted = false;
        line?.end();
      },
      destroy: () => {
        isWanted = false;
        line?.destroy();
      },
      ref: (alive) => {
        isReferenced = alive;
        line?.ref(alive);
      },
    };
  };
}
