import { describe, expect, it } from 'vitest';
import { Receipts } from '../../../src/session/receipts.ts';

describe('receipts', () => {
  it('come once, for a message that asked for one', () => {
    const receipts = new Receipts();
    receipts.expect(3, 7);
    expect([receipts.settle(2, 0), receipts.settle(3, 0), receipts.settle(3, 0)]).toEqual([-1, 7, -1]);
  });

  it('settle nobody when their wait was given up, early or late', () => {
    const receipts = new Receipts();
    receipts.expect(3, 7);
    receipts.leave(7, 0);
    expect(receipts.settle(3, 0)).toBe(0);
    expect(receipts.settle(3, 3)).toBe(0);
    expect(receipts.settle(4, 3)).toBe(-1);
  });

  it('of messages that nobody waits for are forgotten like those given up', () => {
    const receipts = new Receipts();
    for (let seq = 1; seq <= 1_000; seq += 1) receipts.expect(seq, 0);
    for (let seq = 1; seq <= 500; seq += 1) expect(receipts.settle(seq, 0)).toBe(0);
    receipts.expect(1_001, 7);
    receipts.leave(7, 1_000);
    expect(receipts.length).toBe(1);
  });

  it('prove how far the peer has come', () => {
    const receipts = new Receipts();
    receipts.expect(3, 7);
    receipts.expect(5, 8);
    receipts.settle(5, 0);
    receipts.settle(3, 0);
    expect(receipts.provenSeq).toBe(5);
    receipts.takeAll();
    expect(receipts.provenSeq).toBe(0);
  });

  it('that never come are forgotten once nobody waits and their message is released, and not before', () => {
    const receipts = new Receipts();
    for (let seq = 1; seq <= 5_000; seq += 1) {
      receipts.expect(seq, seq);
      receipts.leave(seq, seq - 10);
    }
    expect(receipts.length).toBeLessThan(200);
    expect(receipts.settle(5_000, 4_990)).toBe(0);
    receipts.expect(5_001, 5_001);
    for (let seq = 5_002; seq <= 5_400; seq += 1) {
      receipts.expect(seq, seq);
      receipts.leave(seq, seq);
    }
    expect(receipts.settle(5_001, 5_400)).toBe(5_001);
  });

  it('hand over all who wait when an epoch ends', () => {
    const receipts = new Receipts();
    receipts.expect(1, 7);
    receipts.expect(2, 8);
    receipts.leave(7, 0);
    expect(receipts.takeAll()).toEqual([0, 8]);
    expect(receipts.length).toBe(0);
  });
});
