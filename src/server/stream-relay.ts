/** A stream that was given to the server while its shards are threads: it stays here, and its bytes go to a shard. */
import type { Duplex } from 'node:stream';
import { MessageChannel } from 'node:worker_threads';
import type { LineEvents } from '../actors/ports.ts';
import { joinLine } from '../actors/relay.ts';
import { portPipe } from '../transports/port.ts';
import { existingStream } from '../transports/stream-dial.ts';
import type { Member } from './member.ts';

/** Lets a shard serve the stream, wherever the session turns out to live. */
export function relayStream(stream: Duplex, member: Member): void {
  const { port1, port2 } = new MessageChannel();
  let joined: LineEvents | undefined;
  const line = existingStream(stream)({
    opened: () => {
      const { ends } = line;
      member.hand({ type: 'stream', port: port2, ends }, [port2]);
      joined = joinLine(line, portPipe(port1), new Uint8Array(0), () => {});
    },
    received: (chunk) => joined?.received(chunk),
    drained: () => joined?.drained(),
    closed: (error) => joined?.closed(error),
  });
}
