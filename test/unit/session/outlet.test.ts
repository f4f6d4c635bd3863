import { describe, expect, it } from 'vitest';
import { Outlet, type OutletLimits } from '../../../src/session/outlet.ts';
import { Kind } from '../../../src/wire/frame.ts';
import { Gather } from '../../../src/wire/gather.ts';
import { End, Pair, joined, padded, payloadOf } from './pair.ts';

const limits: OutletLimits = { outboxMessages: 4, outboxBytes: 1_000 };

const peer = {
  orderedReceived: 0,
  cursor: 0,
  directReceived: 0,
  windowMessages: 100,
  windowBytes: 100_000,
  messageBytes: 100_000,
  checksum: undefined,
};

function send(outlet: Outlet, message: string): void {
  const bytes = payloadOf(message);
  outlet.accept(Kind.EVENT, bytes, 0, bytes.length, 0);
}

function deliver(outlet: Outlet, message: string, token: number): void {
  const bytes = payloadOf(message);
  if (outlet.isFull(bytes.length)) outlet.enqueue(Kind.DELIVER, bytes, 0, bytes.length, token);
  else outlet.accept(Kind.DELIVER, bytes, 0, bytes.length, token);
}

function write(outlet: Outlet, bytesMax = 1_000_000): number {
  const gather = new Gather();
  outlet.write(gather, bytesMax);
  return gather.bytes;
}

describe('the bounded outbox', () => {
  it('has a bounded line before it', () => {
    const outlet = new Outlet(limits);
    const bytes = new Uint8Array(4_194_304);
    expect(outlet.isLineFull(bytes.length * 5)).toBe(false);
    for (let token = 1; token <= 4; token += 1) outlet.enqueue(Kind.DELIVER, bytes, 0, bytes.length, token);
    expect([outlet.isLineFull(0), outlet.isLineFull(1)]).toEqual([false, true]);
    outlet.giveUp(4);
    for (let token = 5; token <= 10_010; token += 1) outlet.enqueue(Kind.DELIVER, bytes, 0, 0, token);
    expect(outlet.isLineFull(0)).toBe(true);
  });

  it('is half full from half the messages or half the bytes on', () => {
    const outlet = new Outlet(limits);
    send(outlet, 'a');
    expect(outlet.isHalfFull).toBe(false);
    send(outlet, 'b');
    expect(outlet.isHalfFull).toBe(true);
    const wide = new Outlet(limits);
    send(wide, padded('a', 499));
    expect(wide.isHalfFull).toBe(false);
    send(wide, 'b');
    expect(wide.isHalfFull).toBe(true);
  });

  it('is full at its bound of messages and of bytes, but takes one message that is larger than the bound alone', () => {
    const outlet = new Outlet(limits);
    expect(outlet.isFull(5_000)).toBe(false);
    send(outlet, padded('a', 600));
    expect(outlet.isFull(400)).toBe(false);
    expect(outlet.isFull(401)).toBe(true);
    for (const name of ['b', 'c', 'd']) send(outlet, name);
    expect(outlet.isFull(1)).toBe(true);
  });

  it('accepts who stands in line in order, before any later send, as soon as an ack makes room', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    for (const name of ['a', 'b', 'c', 'd']) send(outlet, name);
    deliver(outlet, 'e', 1);
    deliver(outlet, 'f', 2);
    write(outlet);
    expect(outlet.isFull(1)).toBe(true);
    expect(outlet.acknowledge(4, 1, 0, 100, 100_000)).toBe(true);
    expect(outlet.ordered.messages).toBe(4);
    expect(outlet.isFull(1)).toBe(true);
    expect(outlet.acknowledge(4, 4, 0, 100, 100_000)).toBe(true);
    expect(outlet.isFull(1)).toBe(false);
    const order = Array.from({ length: 2 }, (_, index) => outlet.ordered.waiting.at(index)?.token);
    expect(order).toEqual([1, 2]);
  });

  it('says writable once, when it is below half and nobody stands in line', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    for (const name of ['a', 'b', 'c', 'd']) send(outlet, name);
    deliver(outlet, 'e', 1);
    outlet.wantWritable();
    write(outlet);
    outlet.acknowledge(4, 3, 0, 100, 100_000);
    expect(outlet.outputs).toEqual([]);
    write(outlet);
    outlet.acknowledge(5, 4, 0, 100, 100_000);
    outlet.acknowledge(5, 5, 0, 100, 100_000);
    expect(outlet.outputs).toEqual([{ type: 'writable' }]);
  });

  it('says writable at once when there is room', () => {
    const outlet = new Outlet(limits);
    outlet.wantWritable();
    expect(outlet.outputs).toEqual([{ type: 'writable' }]);
  });

  it('tells of room when the one who stood in line gives up', () => {
    const outlet = new Outlet(limits);
    send(outlet, padded('a', 400));
    deliver(outlet, padded('b', 900), 1);
    outlet.wantWritable();
    expect(outlet.isFull(1)).toBe(true);
    expect(outlet.outputs).toEqual([]);
    expect(outlet.giveUp(1)).toBe('never-sent');
    expect(outlet.isFull(1)).toBe(false);
    expect(outlet.outputs).toEqual([{ type: 'takenBack', ordinal: 2 }, { type: 'writable' }]);
  });
});

describe('giving up', () => {
  it('takes a message back that was not written, and gives its room to the next in line', () => {
    const outlet = new Outlet(limits);
    for (const token of [1, 2, 3, 4, 5]) deliver(outlet, `m${token}`, token);
    expect(outlet.giveUp(2)).toBe('never-sent');
    expect(outlet.ordered.messages).toBe(4);
    outlet.attach(peer);
    write(outlet);
    const written = Array.from(
      { length: outlet.ordered.written.length },
      (_, i) => outlet.ordered.written.at(i)?.token,
    );
    expect(written).toEqual([1, 3, 4, 5]);
  });

  it('knows nothing of a message whose writing has begun, and its late receipt settles nobody', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    deliver(outlet, 'a', 1);
    write(outlet);
    expect(outlet.giveUp(1)).toBe('unknown');
    expect(outlet.settleReceipt(1, 0, undefined)).toBe(true);
    expect(outlet.outputs).toEqual([]);
  });

  it('forgets a flush that nobody waits for any more', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    send(outlet, 'a');
    write(outlet);
    outlet.flush(7);
    expect(outlet.giveUp(7)).toBe('unknown');
    outlet.acknowledge(1, 1, 0, 100, 100_000);
    expect(outlet.outputs).toEqual([]);
  });

  it('keeps no memory of thousands of messages that were taken back while the oldest one waits', () => {
    const outlet = new Outlet({ outboxMessages: 10, outboxBytes: 1_000_000 });
    send(outlet, 'the oldest');
    for (let token = 1; token <= 5_000; token += 1) {
      deliver(outlet, padded(`m${token}`, 100), token);
      outlet.giveUp(token);
    }
    expect(outlet.ordered.waiting.length).toBeLessThan(100);
    send(outlet, 'the next');
    outlet.attach(peer);
    write(outlet);
    expect(outlet.ordered.written.length).toBe(2);
  });

  it('goes on with the next in line after thousands have left it', () => {
    const outlet = new Outlet({ outboxMessages: 1, outboxBytes: 1_000_000 });
    send(outlet, 'the oldest');
    deliver(outlet, 'first in line', 1);
    for (let token = 2; token <= 5_000; token += 1) {
      deliver(outlet, padded(`m${token}`, 100), token);
      outlet.giveUp(token);
    }
    deliver(outlet, 'second in line', 5_001);
    outlet.attach(peer);
    for (let seq = 1; seq <= 3; seq += 1) {
      write(outlet);
      expect(outlet.acknowledge(seq, seq, 0, 100, 100_000)).toBe(true);
    }
    expect(outlet.ordered.messages).toBe(0);
  });

  it('takes a late receipt that nobody waits for, and refuses one for what was never sent', () => {
    const outlet = new Outlet({ outboxMessages: 10, outboxBytes: 1_000_000 });
    outlet.attach(peer);
    for (let seq = 1; seq <= 2_000; seq += 1) {
      deliver(outlet, 'm', seq);
      write(outlet);
      outlet.acknowledge(seq, seq, 0, 100, 100_000);
      outlet.giveUp(seq);
    }
    expect(outlet.settleReceipt(3, 0, undefined)).toBe(true);
    expect(outlet.settleReceipt(2_001, 0, undefined)).toBe(false);
  });
});

describe('flush', () => {
  it('is answered when all accepted before it are processed, not when they are received', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    send(outlet, 'a');
    send(outlet, 'b');
    outlet.flush(1);
    send(outlet, 'c');
    write(outlet);
    outlet.acknowledge(3, 1, 0, 100, 100_000);
    expect(outlet.outputs).toEqual([]);
    outlet.acknowledge(3, 2, 0, 100, 100_000);
    expect(outlet.outputs).toEqual([{ type: 'flushed', token: 1 }]);
  });

  it('is answered at once when nothing is outstanding', () => {
    const outlet = new Outlet(limits);
    outlet.flush(1);
    expect(outlet.outputs).toEqual([{ type: 'flushed', token: 1 }]);
  });

  it('waits for those in line as well', () => {
    const outlet = new Outlet({ outboxMessages: 1, outboxBytes: 1_000 });
    outlet.attach(peer);
    send(outlet, 'a');
    deliver(outlet, 'b', 1);
    outlet.flush(2);
    write(outlet);
    outlet.acknowledge(1, 1, 0, 100, 100_000);
    expect(outlet.outputs).toEqual([]);
    write(outlet);
    outlet.acknowledge(2, 2, 0, 100, 100_000);
    expect(outlet.outputs).toEqual([{ type: 'flushed', token: 2 }]);
  });

  it('no longer waits for a message that was taken back', () => {
    const outlet = new Outlet(limits);
    deliver(outlet, 'a', 1);
    outlet.flush(2);
    outlet.giveUp(1);
    expect(outlet.outputs).toEqual([
      { type: 'takenBack', ordinal: 1 },
      { type: 'flushed', token: 2 },
    ]);
  });

  it('asks for an ack once, when its last message is numbered, and again on the next connection', () => {
    const outlet = new Outlet(limits);
    outlet.attach({ ...peer, windowMessages: 2 });
    for (const name of ['a', 'b', 'c']) send(outlet, name);
    outlet.flush(1);
    write(outlet);
    expect(outlet.takeAsk()).toBe(0);
    outlet.acknowledge(2, 1, 0, 2, 1_000);
    write(outlet);
    expect(outlet.takeAsk()).toBe(3);
    expect(outlet.takeAsk()).toBe(0);
    outlet.attach({ ...peer, orderedReceived: 2, cursor: 1 });
    write(outlet);
    expect(outlet.takeAsk()).toBe(3);
  });

  it('asks for the newest of several that wait', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    send(outlet, 'a');
    outlet.flush(1);
    send(outlet, 'b');
    outlet.flush(2);
    write(outlet);
    expect(outlet.takeAsk()).toBe(2);
    send(outlet, 'c');
    outlet.flush(3);
    expect(outlet.takeAsk()).toBe(0);
    write(outlet);
    expect(outlet.takeAsk()).toBe(3);
  });
});

describe('credit at the sender', () => {
  it('writes no more messages than the window beyond the cursor', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, windowMessages: 3 });
    for (let i = 0; i < 10; i += 1) send(outlet, 'm');
    write(outlet);
    expect(outlet.ordered.sent).toBe(3);
    outlet.acknowledge(3, 0, 0, 3, 100_000);
    write(outlet);
    expect(outlet.ordered.sent).toBe(3);
    outlet.acknowledge(3, 2, 0, 3, 100_000);
    write(outlet);
    expect(outlet.ordered.sent).toBe(5);
  });

  it('writes no more bytes than the window beyond the cursor', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, windowBytes: 250 });
    for (let i = 0; i < 5; i += 1) send(outlet, padded('m', 100));
    write(outlet);
    expect(outlet.ordered.sent).toBe(2);
    outlet.acknowledge(2, 1, 0, 100, 250);
    write(outlet);
    expect(outlet.ordered.sent).toBe(3);
  });

  it('T18 lets a message larger than the byte window wait until nothing is outstanding, then pass alone', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, windowBytes: 100 });
    for (const message of ['a', padded('large', 500), 'b']) send(outlet, message);
    write(outlet);
    expect(outlet.ordered.sent).toBe(1);
    outlet.acknowledge(1, 1, 0, 100, 100);
    write(outlet);
    expect(outlet.ordered.sent).toBe(2);
    outlet.acknowledge(2, 1, 0, 100, 100);
    write(outlet);
    expect(outlet.ordered.sent).toBe(2);
    outlet.acknowledge(2, 2, 0, 100, 100);
    write(outlet);
    expect(outlet.ordered.sent).toBe(3);
  });

  it('counts after a resume what the peer has received and not processed', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, windowBytes: 300 });
    for (let i = 0; i < 6; i += 1) send(outlet, padded('m', 100));
    write(outlet);
    outlet.attach({ ...peer, orderedReceived: 2, cursor: 1, windowBytes: 300 });
    expect(write(outlet)).toBe(2 * 116);
    expect(outlet.ordered.sent).toBe(4);
  });

  it('finishes a message that it has begun, whatever becomes of the credit', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, messageBytes: 1_000_000, windowBytes: 1_000_000 });
    send(outlet, 'a');
    send(outlet, padded('large', 200_000));
    write(outlet, 1_000);
    expect(outlet.acknowledge(1, 0, 0, 1, 1)).toBe(true);
    write(outlet);
    expect(outlet.acknowledge(2, 2, 0, 1, 1)).toBe(true);
  });
});

describe('acks', () => {
  it('refuses an ack of what was not written on this connection, or of a fragment that is under way', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, messageBytes: 1_000_000, windowBytes: 1_000_000 });
    expect(outlet.acknowledge(1, 0, 0, 9, 9)).toBe(false);
    expect(outlet.acknowledge(0, 0, 1, 9, 9)).toBe(false);
    send(outlet, padded('large', 200_000));
    write(outlet, 1_000);
    expect(outlet.acknowledge(1, 0, 0, 9, 9)).toBe(false);
    write(outlet);
    expect(outlet.acknowledge(1, 0, 0, 9, 9)).toBe(true);
  });

  it('refuses an ack that goes back, or whose cursor is ahead of what was received', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    for (const name of ['a', 'b', 'c']) send(outlet, name);
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    write(outlet);
    expect(outlet.acknowledge(1, 2, 0, 9, 9)).toBe(false);
    expect(outlet.acknowledge(2, 1, 1, 9, 9)).toBe(true);
    expect(outlet.acknowledge(1, 1, 1, 9, 9)).toBe(false);
    expect(outlet.acknowledge(2, 0, 1, 9, 9)).toBe(false);
    expect(outlet.acknowledge(2, 1, 0, 9, 9)).toBe(false);
    expect(outlet.acknowledge(2, 1, 1, 9, 9)).toBe(true);
  });

  it('refuses an ack that goes back behind what a resume told', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    for (const name of ['a', 'b', 'c']) send(outlet, name);
    write(outlet);
    outlet.attach({ ...peer, orderedReceived: 2 });
    expect(outlet.acknowledge(1, 0, 0, 9, 9)).toBe(false);
    expect(outlet.acknowledge(2, 0, 0, 9, 9)).toBe(true);
  });

  it('are awaited while the peer has not received all of either lane', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    expect(outlet.isAwaited).toBe(false);
    send(outlet, 'a');
    expect(outlet.isAwaited).toBe(false);
    write(outlet);
    expect(outlet.isAwaited).toBe(true);
    outlet.acknowledge(1, 0, 0, 9, 9);
    expect(outlet.isAwaited).toBe(false);
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    write(outlet);
    expect(outlet.isAwaited).toBe(true);
    outlet.acknowledge(1, 0, 1, 9, 9);
    expect(outlet.isAwaited).toBe(false);
  });

  it('keeps ordered bytes until the cursor passes them, direct ones until they are received', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    send(outlet, 'a');
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    write(outlet);
    outlet.acknowledge(1, 0, 1, 9, 9);
    expect([outlet.ordered.messages, outlet.direct.messages]).toEqual([1, 0]);
    outlet.acknowledge(1, 1, 1, 9, 9);
    expect([outlet.ordered.messages, outlet.direct.messages]).toEqual([0, 0]);
  });

  it('T17 T19 finds positions that cannot be true of its memory', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    for (const name of ['a', 'b', 'c']) send(outlet, name);
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    write(outlet);
    outlet.acknowledge(2, 1, 1, 9, 9);
    expect(outlet.fits(2, 1, 1)).toBe(true);
    expect(outlet.fits(3, 3, 2)).toBe(true);
    expect(outlet.fits(1, 1, 1)).toBe(true);
    expect(outlet.fits(4, 1, 1)).toBe(false);
    expect(outlet.fits(3, 1, 3)).toBe(false);
    expect(outlet.fits(2, 0, 1)).toBe(false);
    expect(outlet.fits(2, 1, 0)).toBe(false);
    expect(outlet.fits(2, 3, 1)).toBe(false);
    expect(outlet.fits(2 ** 53 - 1, 1, 1)).toBe(false);
  });
});

describe('messages too large for the peer', () => {
  it('are taken out in order when the peer is known, each is told, and a flush over them is answered', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    deliver(outlet, padded('first', 600), 1);
    send(outlet, 'small');
    deliver(outlet, padded('second', 700), 2);
    outlet.flush(3);
    outlet.attach({ ...peer, messageBytes: 500 });
    expect(outlet.outputs).toEqual([
      { type: 'oversize', token: 1, bytes: 600, bytesMax: 500 },
      { type: 'takenBack', ordinal: 1 },
      { type: 'oversize', token: 2, bytes: 700, bytesMax: 500 },
      { type: 'takenBack', ordinal: 3 },
    ]);
    write(outlet);
    expect(outlet.ordered.sent).toBe(1);
    outlet.acknowledge(1, 1, 0, 100, 1_000);
    expect(outlet.outputs.at(-1)).toEqual({ type: 'flushed', token: 3 });
  });

  it('are told when their turn in the line comes', () => {
    const outlet = new Outlet({ outboxMessages: 1, outboxBytes: 10_000 });
    send(outlet, 'a');
    deliver(outlet, padded('large', 600), 1);
    deliver(outlet, 'b', 2);
    outlet.attach({ ...peer, messageBytes: 500 });
    write(outlet);
    outlet.acknowledge(1, 1, 0, 100, 1_000);
    expect(outlet.outputs).toEqual([
      { type: 'oversize', token: 1, bytes: 600, bytesMax: 500 },
      { type: 'takenBack', ordinal: 2 },
    ]);
    expect(outlet.ordered.messages).toBe(1);
  });

  it('are not sent again into a new epoch whose peer takes less', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    send(outlet, padded('large', 600));
    send(outlet, 'small');
    write(outlet);
    outlet.resend(outlet.startEpoch(0));
    outlet.afterGap();
    outlet.attach({ ...peer, messageBytes: 500 });
    expect(outlet.outputs).toEqual([
      { type: 'oversize', token: 0, bytes: 600, bytesMax: 500 },
      { type: 'takenBack', ordinal: 1 },
    ]);
    write(outlet);
    expect(outlet.ordered.sent).toBe(1);
  });
});

describe('a new epoch', () => {
  function twoWritten(): Outlet {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, windowMessages: 2 });
    for (const name of ['a', 'b', 'c', 'd']) send(outlet, name);
    write(outlet);
    return outlet;
  }

  function waitingTexts(outlet: Outlet): string[] {
    return Array.from({ length: outlet.ordered.waiting.length }, (_, index) => {
      const message = outlet.ordered.waiting.at(index);
      return message === undefined ? '' : String.fromCharCode(...message.page.subarray(message.start, message.end));
    });
  }

  it('counts what was written as unconfirmed and what waits as carried', () => {
    const outlet = twoWritten();
    const { unconfirmed, carried } = outlet.startEpoch(0);
    expect([unconfirmed, carried]).toEqual([2, 2]);
    expect([outlet.ordered.sent, outlet.ordered.released, outlet.ordered.messages]).toEqual([0, 0, 2]);
  });

  it('counts a message whose writing had begun as unconfirmed', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, messageBytes: 1_000_000, windowBytes: 1_000_000 });
    send(outlet, padded('large', 200_000));
    write(outlet, 1_000);
    expect(outlet.startEpoch(0).unconfirmed).toBe(1);
  });

  it('T13 does not count what the old session is known to have processed, and does not send it again', () => {
    const outlet = twoWritten();
    const leftover = outlet.startEpoch(1);
    expect([leftover.unconfirmed, leftover.carried]).toEqual([1, 2]);
    outlet.resend(leftover);
    outlet.afterGap();
    expect(waitingTexts(outlet)).toEqual(['b', 'c', 'd']);
  });

  it('takes a final cursor beyond what was sent, or below what was released, for what it can be', () => {
    const beyond = twoWritten();
    expect(beyond.startEpoch(2 ** 50).unconfirmed).toBe(0);
    const below = twoWritten();
    below.acknowledge(2, 1, 0, 2, 1_000);
    write(below);
    expect(below.startEpoch(0).unconfirmed).toBe(2);
  });

  it('takes a receipt as proof that all up to its message was processed', () => {
    const outlet = new Outlet({ outboxMessages: 100, outboxBytes: 1_000_000 });
    outlet.attach(peer);
    send(outlet, 'a');
    deliver(outlet, 'b', 1);
    send(outlet, 'c');
    write(outlet);
    expect(outlet.settleReceipt(2, 0, undefined)).toBe(true);
    const leftover = outlet.startEpoch(0);
    expect(leftover.unconfirmed).toBe(1);
    outlet.resend(leftover);
    expect(waitingTexts(outlet)).toEqual(['c']);
  });

  it('puts what is sent again before what was carried and before what the listener sent', () => {
    const outlet = twoWritten();
    const leftover = outlet.startEpoch(0);
    send(outlet, 'new');
    outlet.resend(leftover);
    outlet.afterGap();
    expect(waitingTexts(outlet)).toEqual(['a', 'b', 'c', 'd', 'new']);
  });

  it('sends again once only, and not after the listener has returned', () => {
    const outlet = twoWritten();
    const leftover = outlet.startEpoch(0);
    outlet.resend(leftover);
    outlet.resend(leftover);
    expect(waitingTexts(outlet)).toEqual(['a', 'b', 'c', 'd']);
    const other = twoWritten();
    const late = other.startEpoch(0);
    other.afterGap();
    other.resend(late);
    expect(waitingTexts(other)).toEqual(['c', 'd']);
  });

  it('discards what was carried, and neither what is sent again nor what the listener sent', () => {
    for (const order of ['resend first', 'discard first']) {
      const outlet = twoWritten();
      const leftover = outlet.startEpoch(0);
      send(outlet, 'new');
      if (order === 'resend first') outlet.resend(leftover);
      outlet.discardCarried();
      if (order === 'discard first') outlet.resend(leftover);
      outlet.afterGap();
      expect(waitingTexts(outlet)).toEqual(['a', 'b', 'new']);
    }
  });

  it('keeps the room of what may be sent again until the listener has returned', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    for (const name of ['a', 'b', 'c', 'd']) send(outlet, name);
    write(outlet);
    const leftover = outlet.startEpoch(0);
    expect(outlet.isFull(1)).toBe(true);
    expect(outlet.isHalfFull).toBe(true);
    outlet.resend(leftover);
    expect(outlet.isFull(1)).toBe(true);
    expect(outlet.ordered.messages).toBe(4);
    outlet.afterGap();
    expect(outlet.isFull(1)).toBe(true);
  });

  it('offers the room of what is not sent again to those in line', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    for (const name of ['a', 'b', 'c', 'd']) send(outlet, name);
    deliver(outlet, 'e', 1);
    write(outlet);
    const leftover = outlet.startEpoch(0);
    expect([leftover.unconfirmed, leftover.carried]).toEqual([4, 0]);
    outlet.afterGap();
    expect(waitingTexts(outlet)).toEqual(['e']);
    expect(outlet.outputs).toEqual([]);
  });

  it('T20 rejects a flush over unconfirmed messages, and keeps one over carried messages alone', () => {
    const outlet = twoWritten();
    outlet.flush(1);
    outlet.startEpoch(0);
    outlet.afterGap();
    expect(outlet.outputs).toEqual([{ type: 'rejected', token: 1, outcome: 'unknown' }]);

    const other = twoWritten();
    other.acknowledge(2, 2, 0, 0, 0);
    other.flush(2);
    other.startEpoch(0);
    other.afterGap();
    expect(other.outputs).toEqual([]);
    other.attach(peer);
    write(other);
    other.acknowledge(2, 2, 0, 9, 9);
    expect(other.outputs).toEqual([{ type: 'flushed', token: 2 }]);
  });

  it('answers a flush whose messages the final cursor confirms', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    send(outlet, 'a');
    outlet.flush(1);
    write(outlet);
    outlet.startEpoch(1);
    expect(outlet.outputs).toEqual([{ type: 'flushed', token: 1 }]);
  });

  it('rejects a flush over what is discarded, and not one that waits for the line alone', () => {
    const outlet = twoWritten();
    outlet.acknowledge(2, 2, 0, 0, 0);
    outlet.startEpoch(0);
    outlet.flush(1);
    outlet.discardCarried();
    expect(outlet.outputs).toEqual([{ type: 'rejected', token: 1, outcome: 'unknown' }]);

    const full = new Outlet({ outboxMessages: 1, outboxBytes: 1_000 });
    full.attach(peer);
    send(full, 'a');
    write(full);
    deliver(full, 'b', 1);
    full.startEpoch(0);
    full.flush(2);
    full.discardCarried();
    full.afterGap();
    expect(full.outputs).toEqual([]);
    expect(full.ordered.messages).toBe(1);
  });

  it('rejects those who wait for a receipt of a written message, not those whose message was carried', () => {
    const outlet = new Outlet(limits);
    outlet.attach({ ...peer, windowMessages: 1 });
    deliver(outlet, 'a', 1);
    deliver(outlet, 'b', 2);
    write(outlet);
    outlet.startEpoch(0);
    outlet.afterGap();
    expect(outlet.outputs).toEqual([{ type: 'rejected', token: 1, outcome: 'unknown' }]);
    outlet.attach(peer);
    write(outlet);
    expect(outlet.settleReceipt(1, 0, undefined)).toBe(true);
    expect(outlet.outputs.at(-1)).toEqual({ type: 'receipt', token: 2, status: 0, error: undefined });
  });

  it('lets direct messages die with their epoch', () => {
    const outlet = new Outlet(limits);
    outlet.attach(peer);
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    write(outlet);
    outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    outlet.startEpoch(0);
    outlet.afterGap();
    outlet.attach(peer);
    expect(write(outlet)).toBe(0);
    expect(outlet.direct.messages).toBe(0);
  });

  it('T8 tells at the end what was unconfirmed and carried, and settles all who wait', () => {
    const outlet = new Outlet({ outboxMessages: 3, outboxBytes: 1_000 });
    outlet.attach({ ...peer, windowMessages: 2 });
    deliver(outlet, 'a', 1);
    send(outlet, 'b');
    write(outlet);
    deliver(outlet, 'c', 2);
    deliver(outlet, 'in line', 3);
    outlet.flush(4);
    expect(outlet.end(0)).toEqual({ unconfirmed: 2, carried: 1 });
    expect(outlet.outputs).toEqual([
      { type: 'rejected', token: 1, outcome: 'unknown' },
      { type: 'rejected', token: 4, outcome: 'unknown' },
      { type: 'rejected', token: 2, outcome: 'never-sent' },
      { type: 'rejected', token: 3, outcome: 'never-sent' },
    ]);
    expect([outlet.ordered.messages, outlet.ordered.bytes]).toEqual([0, 0]);
  });

  it('does not count at the end what the peer is known to have processed', () => {
    const outlet = twoWritten();
    expect(outlet.end(2)).toEqual({ unconfirmed: 0, carried: 2 });
  });
});

describe('writing', () => {
  it('writes the direct lane before the ordered one, and again so after a resume', () => {
    const pair = joined();
    pair.server.deliver('question', 1);
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.send('event');
    pair.client.work(pair.nowMs);
    for (let time = 0; time < 2; time += 1) {
      const types = pair.framesOf(pair.client).filter((type) => type >= 0x10);
      expect(types).toEqual([0x11, 0x10]);
      pair.connect();
    }
    pair.settle();
    expect(pair.server.receipts).toEqual([[1, 0]]);
  });

  it('writes about as many bytes as it may, in each lane, and goes on from there', () => {
    const outlet = new Outlet({ outboxMessages: 1_000, outboxBytes: 1_000_000 });
    outlet.attach({ ...peer, windowMessages: 1_000, messageBytes: 1_000_000, windowBytes: 1_000_000 });
    for (let i = 0; i < 100; i += 1) outlet.acceptDirect(Kind.RECEIPT, payloadOf('123456789'), 0, 9);
    for (let i = 0; i < 100; i += 1) send(outlet, 'nine byte');
    send(outlet, padded('large', 300_000));
    const written = [write(outlet, 1_000), write(outlet, 1_000), write(outlet, 3_000), write(outlet, 70_000)];
    expect(written).toEqual([1_000, 1_000, 3_000, 65_560 + 65_560]);
    expect(outlet.hasWork).toBe(true);
    write(outlet);
    expect([outlet.hasWork, outlet.ordered.sent, outlet.direct.sent]).toEqual([false, 101, 100]);
  });

  it('starts a message again at its first fragment after a cut', () => {
    const pair = new Pair();
    pair.connect();
    pair.client.send(padded('large', 300_000));
    pair.pump(pair.client, 140_000);
    pair.carry(pair.server);
    pair.connect();
    pair.settle();
    expect(pair.server.handled).toEqual([padded('large', 300_000)]);
  });

  it('changes nothing that was written before, so that a slow reader of an old page reads the old bytes', () => {
    const end = new End();
    end.session.attach({ ...peer, messageBytes: 1_000_000 }, false, 0);
    const gather = new Gather();
    end.send('one');
    end.session.pump(gather, 1_000, 0);
    const old = gather.take();
    const before = Buffer.concat(old);
    end.send('two');
    end.session.attach({ ...peer, messageBytes: 1_000_000 }, false, 0);
    end.session.pump(gather, 1_000, 0);
    gather.take();
    end.session.outlet.resend(end.session.startEpoch(0));
    end.session.outlet.afterGap();
    end.send('three');
    end.session.attach({ ...peer, messageBytes: 1_000_000 }, false, 0);
    end.session.pump(gather, 1_000, 0);
    expect(Buffer.concat(old)).toEqual(before);
  });
});
