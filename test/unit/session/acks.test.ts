import { describe, expect, it } from 'vitest';
import { Acks, ackBounds, type Positions } from '../../../src/session/acks.ts';

const start: Positions = { orderedReceived: 0, cursor: 0, directReceived: 0, windowMessages: 9, windowBytes: 9 };

function started(): Acks {
  const acks = new Acks(1_024, 1_048_576);
  acks.start(start);
  return acks;
}

describe('the ack schedule', () => {
  it('has the bounds of the protocol: 50 ms, 32 messages, 64 KiB', () => {
    expect(ackBounds).toEqual({ delayMs: 50, messages: 32, bytes: 65_536 });
  });

  it('waits for company for 50 ms from the first thing owed', () => {
    const acks = started();
    expect(acks.deadlineMs).toBe(Infinity);
    acks.owe(1, 100);
    acks.owe(1, 130);
    expect(acks.deadlineMs).toBe(150);
    acks.look(149);
    expect(acks.urgent).toBe(false);
    acks.look(150);
    expect(acks.urgent).toBe(true);
  });

  it('asks for no second look while an ack that is due cannot be written', () => {
    const acks = started();
    acks.owe(1, 100);
    acks.look(150);
    acks.owe(1, 160);
    acks.note(170);
    expect([acks.urgent, acks.deadlineMs]).toEqual([true, Infinity]);
  });

  it('is urgent at 32 messages or 64 KiB since the last one', () => {
    const acks = started();
    for (let count = 1; count <= 31; count += 1) acks.owe(1, 0);
    expect(acks.urgent).toBe(false);
    acks.owe(1, 0);
    expect(acks.urgent).toBe(true);
    acks.tell(start);
    acks.owe(65_535, 0);
    expect(acks.urgent).toBe(false);
    acks.owe(1, 0);
    expect(acks.urgent).toBe(true);
    acks.tell(start);
    expect([acks.urgent, acks.deadlineMs]).toEqual([false, Infinity]);
  });

  it('is urgent when the cursor reaches what was asked for, each ask for itself', () => {
    const acks = started();
    acks.want(3, 1);
    acks.want(5, 1);
    acks.reached(2);
    expect(acks.urgent).toBe(false);
    acks.reached(3);
    expect(acks.urgent).toBe(true);
    acks.tell(start);
    acks.reached(4);
    expect(acks.urgent).toBe(false);
    acks.reached(5);
    expect(acks.urgent).toBe(true);
    acks.tell(start);
    acks.reached(6);
    expect(acks.urgent).toBe(false);
  });

  it('is urgent at once for what was reached before it was asked for', () => {
    const acks = started();
    acks.want(3, 3);
    expect(acks.urgent).toBe(true);
  });

  it('knows the furthest of more asks than it keeps', () => {
    const acks = started();
    for (let cursor = 1; cursor <= 1_000; cursor += 1) acks.want(cursor, 0);
    acks.reached(999);
    acks.tell(start);
    acks.reached(1_000);
    expect(acks.urgent).toBe(true);
  });

  it('forgets on a new connection what the old one asked and owed', () => {
    const acks = started();
    acks.want(3, 0);
    acks.owe(1, 0);
    acks.start(start);
    acks.reached(3);
    expect([acks.urgent, acks.deadlineMs]).toEqual([false, Infinity]);
  });

  it('finds news in each of the five numbers', () => {
    const acks = started();
    expect(acks.isNews(start)).toBe(false);
    for (const name of Object.keys(start) as (keyof Positions)[])
      expect(acks.isNews({ ...start, [name]: start[name] + 1 })).toBe(true);
  });
});
