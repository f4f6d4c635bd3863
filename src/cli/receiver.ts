/** The other thread of a hand-over: takes one socket from the port that it is sent, and writes its thread id into it. */
import type { Socket } from 'node:net';
import { type MessagePort, parentPort, threadId } from 'node:worker_threads';

parentPort?.once('message', (sockets: MessagePort) => {
  sockets.once('message', (socket: Socket) => socket.end(String(threadId)));
});
