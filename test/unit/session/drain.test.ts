import { describe, expect, it } from 'vitest';
import { FrameType } from '../../../src/wire/frame.ts';
import { type End, type Pair, joined, padded } from './pair.ts';

/** Pumps, carries, works and drains until the server says that both are through; returns whether it did. */
function drain(pair: Pair, rounds = 200): boolean {
  const isQuiet = new Map<End, boolean>();
  for (let round = 0; round < rounds; round += 1) {
    for (const end of [pair.client, pair.server]) {
      isQuiet.set(end, end.settleDrain());
      pair.pump(end);
      pair.carry(end === pair.client ? pair.server : pair.client);
      end.work(pair.nowMs, 1);
    }
    if (isQuiet.get(pair.server) === true) return true;
    pair.advance(10);
  }
  return false;
}

describe('draining', () => {
  it('is quiet at once when nothing is outstanding', () => {
    const pair = joined();
    pair.server.session.startDrain(500, 'maintenance');
    expect(drain(pair, 5)).toBe(true);
    expect(pair.client.goAwayCount).toBe(1);
    expect(pair.client.session.parting).toEqual({ code: 'going-away', reason: 'maintenance', retryAfterMs: 500 });
  });

  it('T6 is not quiet while a message of the other end is in flight', () => {
    const pair = joined();
    pair.client.send('c1');
    pair.pump(pair.client);
    pair.server.session.startDrain(0, '');
    pair.pump(pair.server);
    expect(pair.server.settleDrain()).toBe(false);
    expect(drain(pair)).toBe(true);
    expect(pair.server.handled).toEqual(['c1']);
    expect(pair.client.session.outlet.ordered.messages).toBe(0);
  });

  it('T6 leaves nothing unconfirmed that a handler sends while the answer is under way', () => {
    const pair = joined();
    pair.server.onMail = (mail) => void (mail.text === 'c1' && pair.server.sendInTurn('s1'));
    pair.client.onMail = (mail) => void (mail.text === 's1' && pair.client.sendInTurn('c2'));
    pair.client.send('c1');
    pair.pump(pair.client);
    pair.server.session.startDrain(0, '');
    pair.carry(pair.server);
    pair.server.work(pair.nowMs);
    // The ack of c1 arrives and is answered with GOAWAY before s1 arrives.
    pair.server.session.ackNow();
    pair.pump(pair.server, 1);
    pair.carry(pair.client);
    pair.client.settleDrain();
    pair.pump(pair.client);
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.work(pair.nowMs);
    pair.client.session.ackNow();
    // The ack of s1 arrives alone: c2 is written but still on its way.
    pair.pump(pair.client, 1);
    pair.carry(pair.server);
    expect(pair.server.session.outlet.isQuiet).toBe(true);
    expect(pair.server.settleDrain()).toBe(false);
    expect(drain(pair)).toBe(true);
    expect(pair.server.handled).toEqual(['c1', 'c2']);
    expect(pair.client.session.outlet.ordered.messages).toBe(0);
  });

  it('T6 holds whatever is in flight, wherever handlers answer each other while both drain', () => {
    for (let depth = 0; depth < 6; depth += 1) {
      for (let stop = 0; stop < 12; stop += 1) {
        const pair = joined();
        let left = depth;
        for (const end of [pair.client, pair.server])
          end.onMail = (mail) => {
            if (left <= 0) return;
            left -= 1;
            end.sendInTurn(`${mail.text}+`);
          };
        pair.client.send('c');
        pair.server.send('s');
        for (let step = 0; step < stop; step += 1) {
          const end = step % 2 === 0 ? pair.client : pair.server;
          pair.pump(end, 60);
          pair.carry(end === pair.client ? pair.server : pair.client, 50);
          end.work(pair.nowMs, 1);
        }
        pair.server.session.startDrain(0, '');
        expect(drain(pair)).toBe(true);
        expect([pair.client.session.outlet.ordered.messages, pair.client.session.outlet.direct.messages]).toEqual([
          0, 0,
        ]);
        expect(pair.server.session.outlet.ordered.messages).toBe(0);
      }
    }
  });

  it('T6 takes an answer back that was not written yet when another message is taken', () => {
    const pair = joined();
    pair.client.onMail = () => void pair.client.sendInTurn('c1');
    pair.server.session.startDrain(0, '');
    pair.pump(pair.server);
    pair.carry(pair.client);
    // The client is idle and answers, but its line takes nothing until a message that was made in a turn has come.
    pair.client.settleDrain();
    pair.server.sendInTurn('s1');
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.work(pair.nowMs);
    pair.client.session.ackNow();
    expect(pair.framesOf(pair.client)).toEqual([FrameType.ACK, FrameType.ORDERED]);
    expect(drain(pair)).toBe(true);
    expect(pair.server.handled).toEqual(['c1']);
    expect(pair.client.session.outlet.ordered.messages).toBe(0);
  });

  it('T6 says GOAWAY again on the next connection, and takes no answer from the one before', () => {
    const pair = joined();
    pair.server.session.startDrain(0, '');
    pair.settle();
    expect(pair.client.settleDrain()).toBe(true);
    pair.pump(pair.client);
    pair.carry(pair.server);
    pair.client.send('kept back');
    pair.connect();
    expect(pair.server.settleDrain()).toBe(false);
    pair.settle();
    expect(pair.client.goAwayCount).toBe(2);
    expect(pair.server.settleDrain()).toBe(false);
    expect(drain(pair)).toBe(true);
  });

  it('T7 a message made inside a running turn is still written, also if it was accepted before GOAWAY came', () => {
    for (const isEarly of [false, true]) {
      const pair = joined({ server: { limits: { mailboxMessages: 1 } } });
      pair.client.send('fills the window');
      pair.settle({ works: false });
      if (isEarly) pair.client.sendInTurn('made in a turn');
      pair.server.session.startDrain(0, '');
      pair.settle({ works: false });
      if (!isEarly) pair.client.sendInTurn('made in a turn');
      expect(pair.client.isIdle).toBe(false);
      expect(drain(pair)).toBe(true);
      expect(pair.server.handled).toEqual(['fills the window', 'made in a turn']);
    }
  });

  it('T7 all before a message of a running turn is written as well, so that the order holds', () => {
    const pair = joined();
    pair.server.session.startDrain(0, '');
    pair.settle();
    pair.client.send('kept back');
    pair.client.sendInTurn('made in a turn');
    expect(drain(pair)).toBe(true);
    expect(pair.server.handled).toEqual(['kept back', 'made in a turn']);
  });

  it('keeps back what is sent outside of turns after GOAWAY came, until the next connection', () => {
    const pair = joined();
    pair.server.session.startDrain(0, '');
    pair.settle();
    pair.client.send('later');
    expect(drain(pair)).toBe(true);
    pair.settle();
    expect(pair.server.handled).toEqual([]);
    const leftover = pair.renew(0);
    expect([leftover.unconfirmed, leftover.carried]).toEqual([0, 1]);
    pair.settle();
    expect(pair.server.handled).toEqual(['later']);
  });

  it('is not idle while something is kept back: who wants to close waits for the next connection', () => {
    const pair = joined();
    pair.server.session.startDrain(0, '');
    pair.settle();
    pair.client.send('later');
    expect(pair.client.settleDrain()).toBe(true);
    expect(pair.client.isIdle).toBe(false);
    pair.cut();
    expect(pair.client.isIdle).toBe(false);
  });

  it('writes what the draining end had accepted, those in line included, and nothing accepted later', () => {
    const limits = { outboxMessages: 2 };
    const pair = joined({ server: { limits } });
    pair.server.send('a');
    pair.server.send('b');
    pair.server.deliver('in line', 1);
    pair.server.session.startDrain(0, '');
    pair.settle();
    pair.server.send('later');
    expect(drain(pair)).toBe(true);
    expect(pair.client.handled).toEqual(['a', 'b', 'in line']);
  });

  it('writes what it had accepted also if it has answered the other end before', () => {
    const pair = joined();
    pair.client.session.startDrain(0, '');
    pair.settle();
    pair.server.send('kept back');
    expect(pair.server.settleDrain()).toBe(true);
    pair.settle();
    pair.server.session.startDrain(0, '');
    expect(drain(pair)).toBe(true);
    expect(pair.client.handled).toEqual(['kept back']);
  });

  it('is announced by a busy end that has only answered so far', () => {
    const pair = joined();
    pair.client.session.startDrain(0, '');
    pair.settle();
    expect(pair.server.settleDrain()).toBe(true);
    pair.settle();
    pair.client.sendInTurn('c1');
    pair.settle({ works: false });
    pair.server.session.startDrain(0, '');
    expect(pair.framesOf(pair.server)).toContain(FrameType.GOAWAY);
  });

  it('completes a message whose writing has begun', () => {
    const pair = joined();
    pair.client.send(padded('large', 300_000));
    pair.pump(pair.client, 70_000);
    pair.server.session.startDrain(0, '');
    expect(drain(pair)).toBe(true);
    expect(pair.server.handled).toEqual([padded('large', 300_000)]);
  });

  it('is not quiet while a handler runs, at either end', () => {
    const pair = joined();
    pair.client.send('slow');
    pair.settle({ works: false });
    pair.server.session.startDrain(0, '');
    pair.settle({ works: false });
    expect(pair.client.settleDrain()).toBe(false);
    expect(pair.server.settleDrain()).toBe(false);
    expect(drain(pair)).toBe(true);
  });

  it('T9 the receipt leaves before the farewell: an end is not idle until the peer has it', () => {
    const pair = joined();
    pair.server.deliver('s1', 1);
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.work(pair.nowMs);
    expect(pair.client.isIdle).toBe(false);
    pair.pump(pair.client);
    expect(pair.client.isIdle).toBe(false);
    pair.settle();
    expect(pair.client.isIdle).toBe(true);
    expect(pair.server.receipts).toEqual([[1, 0]]);
  });

  it('T9 is not answered while a receipt is on its way', () => {
    const pair = joined();
    pair.server.deliver('s1', 1);
    pair.server.session.startDrain(0, '');
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.work(pair.nowMs);
    pair.client.settleDrain();
    expect(pair.framesOf(pair.client)).toEqual([FrameType.ACK, FrameType.DIRECT]);
    pair.client.settleDrain();
    expect(pair.framesOf(pair.client)).toEqual([]);
    pair.carry(pair.server);
    pair.server.session.ackNow();
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.settleDrain();
    expect(pair.framesOf(pair.client)).toEqual([FrameType.GOAWAY]);
  });

  it('sends the ack of what it has processed before its GOAWAY', () => {
    const pair = joined();
    pair.server.send('s1');
    pair.server.session.startDrain(0, '');
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.work(pair.nowMs);
    pair.client.settleDrain();
    expect(pair.framesOf(pair.client)).toEqual([FrameType.ACK, FrameType.GOAWAY]);
  });

  it('tells the driver of a GOAWAY once per connection', () => {
    const pair = joined();
    pair.client.send('c1');
    pair.pump(pair.client);
    pair.server.session.startDrain(0, '');
    drain(pair);
    drain(pair, 10);
    expect(pair.client.goAwayCount).toBe(1);
    expect(pair.server.goAwayCount).toBe(1);
  });

  it('does not drain before it was asked to, nor without a connection', () => {
    const pair = joined();
    expect([pair.client.settleDrain(), pair.server.settleDrain()]).toEqual([false, false]);
    pair.server.session.startDrain(0, '');
    pair.settle();
    pair.cut();
    expect([pair.client.settleDrain(), pair.server.settleDrain()]).toEqual([false, false]);
  });
});
