/** The sender of a stream, the same at both ends. */
import { BURST, type Sample, sample } from '../sample.ts';

/** An end of a session, as far as a stream needs one. */
export interface Spout {
  send(event: 'sample', value: Sample): boolean;
  send(event: 'end', sent: number): boolean;
  writable(): Promise<void>;
}

/** Sends samples for a time, then how many there were, which it returns as well. */
export async function pour(spout: Spout, milliseconds: number): Promise<number> {
  const endMs = performance.now() + milliseconds;
  let sent = 0;
  while (performance.now() < endMs) {
    let hasRoom = true;
    for (let index = 0; index < BURST && hasRoom; index += 1) {
      hasRoom = spout.send('sample', sample(sent));
      sent += 1;
    }
    if (!hasRoom) await spout.writable();
  }
  spout.send('end', sent);
  return sent;
}
