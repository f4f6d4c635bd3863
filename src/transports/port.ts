/** One end of a MessageChannel as a pipe. What was posted before a close still arrives; then the other end hears of it. */
import type { MessagePort } from 'node:worker_threads';
import type { Pipe, PipeEvents, PipeMessage } from '../actors/ports.ts';

/**
 * A pipe over a port of which nobody else makes use. Bytes posted must fill a buffer of their own: it is transferred, and
 * whatever else lay in it would be gone here and there too. Keeps the thread alive from `open` to the end unless `ref`
 * says otherwise.
 */
export function portPipe(port: MessagePort): Pipe {
  let isLive = true;
  let isReferenced = true;
  return {
    open(events: PipeEvents) {
      port.on('message', (message: PipeMessage) => {
        // A port goes on for the messages that lie ready when it is closed in the middle of them.
        if (isLive) events.received(message);
      });
      port.once('close', () => {
        if (!isLive) return;
        isLive = false;
        events.closed();
      });
      // Listening has referenced it.
      if (!isReferenced) port.unref();
    },
    post(message) {
      if (!isLive) return;
      if (typeof message === 'object') port.postMessage(message, [message.buffer as ArrayBuffer]);
      else port.postMessage(message);
    },
    close() {
      if (!isLive) return;
      isLive = false;
      port.close();
    },
    ref(alive) {
      isReferenced = alive;
      if (!isLive) return;
      if (alive) port.ref();
      else port.unref();
    },
  };
}
