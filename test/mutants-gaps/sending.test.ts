// What bugs of one line in the sending half and in the credit could still change without any other test noticing.
import { describe, expect, it } from 'vitest';
import { Room } from '../../src/session/intake.ts';
import { Outlet } from '../../src/session/outlet.ts';
import { Kind } from '../../src/wire/frame.ts';
import { Gather } from '../../src/wire/gather.ts';

const peer = {
  orderedReceived: 0,
  cursor: 0,
  directReceived: 0,
  windowMessages: 100,
  windowBytes: 100_000,
  messageBytes: 100_000,
  checksum: undefined,
};

/** The payloads that wait, as lists of bytes. */
function waitingIn({ ordered: { waiting } }: Outlet): number[][] {
  return Array.from({ length: waiting.length }, (_, index) => {
    const message = waiting.at(index);
    return message === undefined ? [] : [...message.page.subarray(message.start, message.end)];
  });
}

describe('who stands in line', () => {
  it('has bytes of its own, whatever the encoder writes next in the same place', () => {
    const outlet = new Outlet({ outboxMessages: 1, outboxBytes: 1_000 });
    outlet.attach(peer);
    outlet.accept(Kind.EVENT, Uint8Array.of(1), 0, 1, 0);
    const encoder = Uint8Array.of(2, 2, 2);
    outlet.enqueue(Kind.DELIVER, encoder, 0, 3, 5);
    encoder.fill(9);
    outlet.write(new Gather(), 1_000);
    expect(outlet.acknowledge(1, 1, 0, 100, 100_000)).toBe(true);
    expect(waitingIn(outlet)).toEqual([[2, 2, 2]]);
  });
});

describe('the report of an older loss', () => {
  it('sends nothing again while a later one is being told', () => {
    const outlet = new Outlet({ outboxMessages: 10, outboxBytes: 1_000 });
    outlet.attach(peer);
    outlet.accept(Kind.EVENT, Uint8Array.of(1), 0, 1, 0);
    outlet.write(new Gather(), 1_000);
    const older = outlet.startEpoch(0);
    expect(older.unconfirmed).toBe(1);
    outlet.afterGap();
    outlet.attach(peer);
    outlet.accept(Kind.EVENT, Uint8Array.of(2), 0, 1, 0);
    outlet.write(new Gather(), 1_000);
    const later = outlet.startEpoch(0);
    outlet.resend(older);
    expect(waitingIn(outlet)).toEqual([]);
    outlet.resend(later);
    expect(waitingIn(outlet)).toEqual([[2]]);
  });
});

describe('credit that was promised', () => {
  it('is not taken back when receipts begin to pile up', () => {
    const backlog = { messages: 0 };
    const room = new Room(4, 100, backlog);
    room.promise();
    backlog.messages = 6;
    expect(room.grantedMessages).toBe(4);
    room.promise();
    for (let count = 0; count < 4; count += 1) {
      expect(room.admits(1)).toBe(true);
      room.occupy(1);
    }
    expect(room.admits(1)).toBe(false);
    room.free(1);
    expect(room.grantedMessages).toBe(3);
  });
});
