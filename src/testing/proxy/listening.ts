/** Listens on loopback, on a port that was given up for a while and may not be free at once. */
import { type Server, type Socket, createServer } from 'node:net';

/** The address of every proxy, and of what is behind it. */
export const HOST = '127.0.0.1';

/** An outgoing connection of another program may have taken the port while nobody listened; it is asked for again. */
const LISTEN_TRIES_MAX = 100;
const LISTEN_RETRY_MS = 20;

/**
 * A server that listens on this port; 0 is any. Undefined when nobody wants it any more. Rejects if the port cannot be had
 * for two seconds.
 */
export async function listenOn(
  port: number,
  told: { readonly isWanted: () => boolean; readonly taken: (socket: Socket) => void },
): Promise<Server | undefined> {
  for (let tries = 1; told.isWanted(); tries += 1) {
    const listener = createServer({ allowHalfOpen: true, noDelay: true }, told.taken);
    const error = await listening(listener, port);
    if (error === undefined) {
      if (told.isWanted()) return listener;
      listener.close();
      return undefined;
    }
    if (error.code !== 'EADDRINUSE' || tries === LISTEN_TRIES_MAX) throw error;
    await new Promise((resolve) => setTimeout(resolve, LISTEN_RETRY_MS));
  }
  return undefined;
}

function listening(listener: Server, port: number): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    listener.once('error', resolve);
    listener.listen({ host: HOST, port }, () => {
      listener.removeListener('error', resolve);
      // Accepting may still fail, for want of file descriptors; dials then fail and are tried again.
      listener.on('error', () => {});
      resolve(undefined);
    });
  });
}
