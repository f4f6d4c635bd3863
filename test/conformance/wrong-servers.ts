/**
 * Servers that are wrong in one thing each: our own behind a proxy that changes frames on their way. What it does to the frames
 * of the client is what a server does that does not check them.
 */
import { type AddressInfo, type Server, type Socket, connect, createServer } from 'node:net';
import { crc32 } from 'node:zlib';

/** A frame, to be changed in place or replaced; its checksum is made anew behind it, unless it was 0. */
export type Change = (frame: Buffer, told: Told) => readonly Buffer[] | undefined;

/** What a change may remember of its connection. */
export interface Told {
  count: number;
}

/** What is wrong with a server. */
export interface Wrong {
  readonly toClient?: Change;
  readonly toServer?: Change;
  /** Leaves a connection open that the server has ended. */
  readonly holdsOn?: boolean;
  /** Leaves the checksums as they are. */
  readonly isSloppy?: boolean;
}

const HEADER_BYTES = 16;

/** A proxy before `port` that does this to every connection; it listens at a port of its own. */
export async function wrongServer(port: number, wrong: Wrong): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => {});
    }
    pass(client, upstream, wrong.toServer, wrong.isSloppy);
    pass(upstream, client, wrong.toClient, wrong.isSloppy);
    client.on('close', () => upstream.destroy());
    if (wrong.holdsOn !== true) upstream.on('close', () => client.destroySoon());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function pass(from: Socket, to: Socket, change: Change | undefined, isSloppy = false): void {
  let rest: Buffer = Buffer.alloc(0);
  const told: Told = { count: 0 };
  from.on('data', (chunk) => {
    if (change === undefined) return void to.write(chunk);
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= HEADER_BYTES && rest.length >= HEADER_BYTES + rest.readUIntBE(5, 3)) {
      const bytes = HEADER_BYTES + rest.readUIntBE(5, 3);
      const frame = Buffer.from(rest.subarray(0, bytes));
      rest = rest.subarray(bytes);
      for (const each of change(frame, told) ?? [frame]) to.write(isSloppy ? each : stamped(each));
    }
  });
}

function stamped(frame: Buffer): Buffer {
  if (frame.readUInt32BE(0) !== 0) frame.writeUInt32BE(crc32(frame.subarray(4)), 0);
  return frame;
}

/** The type of a frame. */
export const typeOf = (frame: Buffer): number => frame.readUInt8(4);
/** The flags of a frame. */
export const flagsOf = (frame: Buffer): number => frame.readUInt8(8);
/** The seq of a message. */
export const seqOf = (frame: Buffer): number => frame.readUIntBE(10, 6);
/** Gives a message another seq. */
export function renumber(frame: Buffer, seq: number): void {
  frame.writeUInt8(0, 9);
  frame.writeUIntBE(seq, 10, 6);
}
