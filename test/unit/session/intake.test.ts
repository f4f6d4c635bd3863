import { describe, expect, it } from 'vitest';
import { type FrameView, Lane, Room, messageBytesOf } from '../../../src/session/intake.ts';
import { FRAGMENT_FLAG, Kind, writeU32 } from '../../../src/wire/frame.ts';

function whole(seq: number, bytes: number): FrameView {
  return { flags: Kind.EVENT, seq, bytes: new Uint8Array(bytes), start: 0, end: bytes };
}

function fragment(seq: number, total: number, offset: number, content: Uint8Array): FrameView {
  const bytes = new Uint8Array(8 + content.length);
  writeU32(bytes, 0, total);
  writeU32(bytes, 4, offset);
  bytes.set(content, 8);
  return { flags: Kind.EVENT | FRAGMENT_FLAG, seq, bytes, start: 0, end: bytes.length };
}

describe('a lane', () => {
  it('hands out a whole message as a view, and counts it when it is taken', () => {
    const lane = new Lane();
    const frame = whole(1, 5);
    expect(lane.admit(frame, 5)).toBeUndefined();
    expect(lane.hold(frame)).toBe(true);
    expect(lane.bytes).toBe(frame.bytes);
    expect(lane.received).toBe(0);
    lane.take();
    expect(lane.received).toBe(1);
    lane.forget();
    expect(lane.bytes.length).toBe(0);
  });

  it('changes nothing when it is asked whether a frame may come', () => {
    const lane = new Lane();
    for (let time = 0; time < 3; time += 1)
      expect(lane.admit(fragment(1, 70_000, 0, new Uint8Array(5)), 70_000)).toBeUndefined();
    expect([lane.partialBytes, lane.received]).toEqual([0, 0]);
  });

  it('takes no fragments of a message that one frame could carry', () => {
    const admitted = (total: number) => new Lane().admit(fragment(1, total, 0, new Uint8Array(5)), 100_000);
    expect([admitted(5), admitted(65_536), admitted(65_537)]).toEqual(['bad-frame', 'bad-frame', undefined]);
  });

  it('keeps for an unfinished message about what arrived, not what was announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const lanes = Array.from({ length: 200 }, () => new Lane());
    for (const lane of lanes) {
      lane.hold(fragment(1, 1_000_000, 0, new Uint8Array(10)));
      lane.hold(fragment(1, 1_000_000, 10, new Uint8Array(90)));
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
    expect(lanes.map((lane) => lane.partialBytes)).toEqual(lanes.map(() => 100));
  });

  it('gives a finished message away with bytes of its own', () => {
    const lane = new Lane();
    const first = fragment(1, 6, 0, Uint8Array.of(1, 2, 3));
    expect(lane.hold(first)).toBe(false);
    first.bytes.fill(0);
    expect(lane.hold(fragment(1, 6, 3, Uint8Array.of(4, 5, 6)))).toBe(true);
    const { bytes } = lane;
    lane.take();
    lane.hold(fragment(2, 6, 0, Uint8Array.of(7, 7, 7)));
    expect([...bytes]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('knows the size of a message from its first fragment', () => {
    expect(messageBytesOf(whole(1, 5))).toBe(5);
    expect(messageBytesOf(fragment(1, 70_000, 0, new Uint8Array(5)))).toBe(70_000);
    expect(messageBytesOf({ ...fragment(1, 70_000, 0, new Uint8Array(5)), end: 7 })).toBe(0);
  });

  it('begins an unfinished message anew on the next connection, and its numbers in a new epoch', () => {
    const lane = new Lane();
    lane.hold(whole(1, 1));
    lane.take();
    lane.hold(fragment(2, 10, 0, new Uint8Array(5)));
    lane.detach();
    expect([lane.received, lane.partialBytes]).toEqual([1, 0]);
    lane.restart();
    expect(lane.received).toBe(0);
  });
});

describe('room in the mailbox', () => {
  function roomOf(messages: number, bytes: number, backlog = { messages: 0 }): Room {
    const room = new Room(messages, bytes, backlog);
    room.promise();
    return room;
  }

  it('is granted by the window, and admits what was told', () => {
    const room = roomOf(2, 100);
    expect([room.grantedMessages, room.grantedBytes]).toEqual([2, 100]);
    expect(room.admits(100)).toBe(true);
    room.occupy(60);
    expect([room.admits(40), room.admits(41)]).toEqual([true, false]);
    room.occupy(40);
    expect(room.admits(1)).toBe(false);
  });

  it('is not admitted before it was told: not on dequeue, only with the ack', () => {
    const room = roomOf(1, 100);
    room.occupy(10);
    room.free(10);
    expect(room.grantedMessages).toBe(1);
    expect(room.admits(10)).toBe(false);
    room.promise();
    expect(room.admits(10)).toBe(true);
  });

  it('admits one message larger than the byte window when nothing else is there', () => {
    const room = roomOf(5, 100);
    expect(room.admits(5_000)).toBe(true);
    room.occupy(5_000);
    expect(room.admits(1)).toBe(false);
    room.free(5_000);
    room.promise();
    expect(room.admits(100)).toBe(true);
  });

  it('is taken by old messages until they settle', () => {
    const room = roomOf(3, 100);
    room.occupy(30);
    room.occupy(30);
    room.age();
    room.promise();
    expect([room.grantedMessages, room.grantedBytes]).toEqual([1, 40]);
    room.freeOld(30);
    expect([room.grantedMessages, room.grantedBytes]).toEqual([2, 70]);
  });

  it('grants no message while old bytes fill the window', () => {
    const room = roomOf(3, 100);
    room.occupy(100);
    room.age();
    expect([room.grantedMessages, room.grantedBytes]).toEqual([0, 0]);
    room.promise();
    expect(room.admits(1)).toBe(false);
  });

  it('is taken away by a backlog above a window, but never what was promised', () => {
    const backlog = { messages: 0 };
    const room = roomOf(4, 100, backlog);
    room.occupy(1);
    backlog.messages = 7;
    expect(room.grantedMessages).toBe(4);
    room.free(1);
    expect(room.grantedMessages).toBe(3);
    room.promise();
    for (let i = 0; i < 3; i += 1) {
      room.occupy(1);
      room.free(1);
      backlog.messages += 1;
    }
    expect(room.grantedMessages).toBe(0);
    backlog.messages = 6;
    expect(room.grantedMessages).toBe(2);
    backlog.messages = 0;
    expect(room.grantedMessages).toBe(4);
  });
});
