import { describe, expect, it } from 'vitest';
import type { WebSocket } from 'ws';
import { Viewer } from '../../../src/inspect/viewer.ts';

/** A WebSocket whose peer reads when the test says so. */
class SlowSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly sent: string[] = [];
  #sent: (() => void)[] = [];

  send(text: string, sent?: () => void): void {
    this.sent.push(text);
    this.bufferedAmount += text.length;
    if (sent !== undefined) this.#sent.push(sent);
  }

  read(): void {
    this.bufferedAmount = 0;
    for (const sent of this.#sent.splice(0)) sent();
  }
}

function viewerOf(socket: SlowSocket, tellsMissed = true): Viewer {
  return new Viewer(socket as unknown as WebSocket, tellsMissed);
}

const large = 'x'.repeat(300_000);

describe('a viewer', () => {
  it('gets frames in order, at once while it keeps up', () => {
    const socket = new SlowSocket();
    const viewer = viewerOf(socket);
    viewer.send({ type: 'one' });
    viewer.send({ type: 'two', big: 5n, bytes: new Uint8Array(3) });
    expect(socket.sent).toEqual(['{"type":"one"}', '{"type":"two","big":"5n","bytes":"3 bytes"}']);
  });

  it('that is slow loses the oldest frames, and learns how many', () => {
    const socket = new SlowSocket();
    const viewer = viewerOf(socket);
    viewer.sendText(large);
    for (let number = 0; number < 520; number += 1) viewer.sendText(`${number}`);
    expect(socket.sent).toEqual([large]);
    socket.read();
    expect(socket.sent.slice(1, 4)).toEqual(['{"type":"missed","count":20}', '20', '21']);
    expect(socket.sent.at(-1)).toBe('519');
  });

  it('is told that a frame was too large for anybody', () => {
    const socket = new SlowSocket();
    const viewer = viewerOf(socket);
    viewer.sendText('y'.repeat(1_100_000));
    viewer.sendText('small');
    expect(socket.sent).toEqual(['{"type":"missed","count":1}', 'small']);
  });

  it('that reads frames of another schema is not told so', () => {
    const socket = new SlowSocket();
    const viewer = viewerOf(socket, false);
    viewer.sendText('y'.repeat(1_100_000));
    viewer.sendText('small');
    expect(socket.sent).toEqual(['small']);
  });

  it('that is gone gets nothing', () => {
    const socket = new SlowSocket();
    const viewer = viewerOf(socket);
    socket.readyState = 3;
    viewer.sendText('late');
    expect(socket.sent).toEqual([]);
  });
});
