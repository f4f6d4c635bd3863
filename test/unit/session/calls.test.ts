// Calls in the core: who waits for what, and results and cancels on the wire between two real ends.
import { describe, expect, it } from 'vitest';
import { Calls, ResultStatus } from '../../../src/session/calls.ts';
import { FrameType, Kind, readU64, writeU64 } from '../../../src/wire/frame.ts';
import { type Mail, type Pair, type PairOptions, joined, padded, payloadOf } from './pair.ts';

const { OK, FAILED, CANCELLED } = ResultStatus;

/** A pair that is up, whose server answers calls only when it is told to. */
function withSlowServer(options: PairOptions = {}): { readonly pair: Pair; readonly calls: Mail[] } {
  const pair = joined(options);
  const calls: Mail[] = [];
  pair.server.result = (mail) => void calls.push(mail);
  return { pair, calls };
}

describe('the books of calls', () => {
  it('settle each written call once, and know no other', () => {
    const calls = new Calls();
    calls.expect(3, 7);
    calls.expect(5, 8);
    expect([calls.settle(4), calls.settle(5), calls.settle(5), calls.settle(3), calls.length]).toEqual([
      -1, 8, -1, 7, 0,
    ]);
    expect([calls.provenSeq, calls.abandonedCount]).toEqual([5, 0]);
  });

  it('keep the place of a call that was given up until its result comes', () => {
    const calls = new Calls();
    calls.expect(3, 7);
    calls.expect(4, 8);
    expect([calls.leave(7), calls.leave(7), calls.leave(99)]).toEqual([3, 0, 0]);
    expect([calls.length, calls.abandonedCount, calls.waiting()]).toEqual([2, 1, [8]]);
    expect([calls.settle(3), calls.settle(3), calls.abandonedCount, calls.length]).toEqual([0, -1, 0, 1]);
  });

  it('hand over who waits when an epoch ends, in order, and begin anew', () => {
    const calls = new Calls();
    for (let seq = 1; seq <= 4; seq += 1) calls.expect(seq, 10 - seq);
    calls.settle(1);
    calls.leave(7);
    expect(calls.takeAll()).toEqual([8, 6]);
    expect([calls.length, calls.abandonedCount, calls.provenSeq, calls.takeAll()]).toEqual([0, 0, 0, []]);
  });
});

describe('results', () => {
  it('come in the order in which the calls end, with their values, and settle once', () => {
    const { pair, calls } = withSlowServer();
    for (const token of [1, 2, 3]) pair.client.call(`c${token}`, token);
    pair.settle();
    expect([calls.map(({ text }) => text), pair.client.results]).toEqual([['c1', 'c2', 'c3'], []]);
    pair.server.answerCall(3, OK, payloadOf('third'));
    pair.server.answerCall(1, FAILED, payloadOf('error'));
    pair.settle();
    expect(pair.client.results).toEqual([
      [3, OK, 'third'],
      [1, FAILED, 'error'],
    ]);
    expect([pair.client.isIdle, pair.server.isIdle]).toEqual([false, true]);
    pair.server.answerCall(2, OK, payloadOf('second'));
    pair.settle();
    expect([pair.client.results.length, pair.client.isIdle]).toEqual([3, true]);
  });

  it('survive cuts on the way there and back, however often, and settle once', () => {
    const { pair } = withSlowServer();
    pair.client.call('c1', 1);
    pair.pump(pair.client);
    pair.carry(pair.server);
    pair.server.work(pair.nowMs);
    pair.server.answerCall(1, OK, payloadOf('value'));
    for (let cut = 0; cut < 5; cut += 1) {
      pair.pump(pair.server);
      pair.connect();
    }
    pair.pump(pair.server);
    pair.carry(pair.client);
    // Received, but the server does not know: positions told at the next connection say so.
    for (let cut = 0; cut < 5; cut += 1) {
      pair.connect();
      pair.settle();
    }
    expect([pair.client.results, pair.server.started]).toEqual([[[1, OK, 'value']], ['c1']]);
    expect([pair.client.isIdle, pair.server.isIdle]).toEqual([true, true]);
  });

  it('prove that the call and all before it were processed, also when the acks are lost', () => {
    const { pair } = withSlowServer();
    pair.client.send('e1');
    pair.client.call('c2', 1);
    pair.client.send('e3');
    pair.pump(pair.client);
    pair.carry(pair.server);
    pair.server.work(pair.nowMs, 2);
    const { session } = pair.client;
    session.outlet.settleResult(2, OK, payloadOf('value'), false);
    expect(session.outlet.counts.unconfirmed).toBe(3);
    const { unconfirmed, carried } = pair.renew(0);
    expect([unconfirmed, carried]).toEqual([1, 0]);
  });

  it('are never larger than what the peer takes when they are errors', () => {
    const { pair } = withSlowServer({ client: { limits: { messageBytes: 64 } } });
    pair.client.call('c1', 1);
    pair.client.call('c2', 2);
    pair.settle();
    pair.server.answerCall(1, FAILED, payloadOf(padded('error', 56)));
    pair.server.answerCall(2, FAILED, payloadOf(padded('error', 55)));
    pair.settle();
    expect(pair.client.parting).toBeUndefined();
    const [large, fits] = pair.client.results;
    expect([large?.[1], large?.[2]]).toEqual([FAILED, expect.stringContaining('too large')]);
    expect(fits?.[2]).toBe(padded('error', 55));
  });

  it('of a seq that is no unanswered call are a violation, and so is a second one', () => {
    for (const seq of [1, 2, 4, 2 ** 52]) {
      const { pair } = withSlowServer();
      pair.client.send('e1');
      pair.client.deliver('d2', 9);
      pair.client.call('c3', 1);
      pair.settle();
      pair.server.answerCall(seq, OK, payloadOf('value'));
      pair.settle();
      expect([seq, pair.client.parting?.code]).toEqual([seq, 'unknown-receipt']);
    }
    const { pair } = withSlowServer();
    pair.client.call('c1', 1);
    pair.settle();
    pair.server.answerCall(1, OK, payloadOf('value'));
    pair.settle();
    expect(pair.client.parting).toBeUndefined();
    pair.server.answerCall(1, OK, payloadOf('value'));
    pair.settle();
    expect(pair.client.parting?.code).toBe('unknown-receipt');
  });
});

describe('a call that is given up', () => {
  it('is taken back before its first byte, from the outbox and from the line before it', () => {
    const pair = joined({ client: { limits: { outboxMessages: 1 } } });
    pair.cut();
    pair.client.call('c1', 1);
    pair.client.call('c2', 2);
    pair.client.call('c3', 3);
    const { outlet } = pair.client.session;
    expect([outlet.giveUp(2), outlet.giveUp(1), outlet.abandonedCallCount]).toEqual(['never-sent', 'never-sent', 0]);
    pair.connect();
    pair.settle();
    expect([pair.server.started, pair.client.results]).toEqual([['c3'], [[3, OK, 'c3']]]);
  });

  it('is cancelled once it was written, and its late result settles nobody', () => {
    const { pair, calls } = withSlowServer();
    pair.client.call('c1', 1);
    pair.settle();
    const { outlet } = pair.client.session;
    expect([outlet.giveUp(1), outlet.giveUp(1), outlet.abandonedCallCount]).toEqual(['unknown', 'unknown', 1]);
    pair.settle();
    expect([pair.server.cancelled, calls.length, pair.client.isIdle]).toEqual([[1], 1, false]);
    pair.server.answerCall(1, CANCELLED);
    pair.settle();
    expect([pair.client.results, outlet.abandonedCallCount, pair.client.isIdle]).toEqual([
      [[0, CANCELLED, '']],
      0,
      true,
    ]);
  });

  it('never starts when its cancel comes first, on the same connection or on the next', () => {
    const { pair } = withSlowServer();
    pair.client.call('c1', 1);
    pair.pump(pair.client);
    pair.connect();
    pair.client.session.outlet.giveUp(1);
    pair.client.call('c2', 2);
    const frames = pair.framesOf(pair.client).filter((type) => type === FrameType.DIRECT || type === FrameType.ORDERED);
    expect(frames).toEqual([FrameType.DIRECT, FrameType.ORDERED, FrameType.ORDERED]);
    pair.settle();
    expect([pair.server.started, pair.client.results]).toEqual([['c2'], [[0, CANCELLED, '']]]);
  });

  it('in the middle of its fragments is written to its end and never starts', () => {
    const { pair } = withSlowServer();
    pair.client.call(padded('c1', 200_000), 1);
    pair.pump(pair.client, 70_000);
    pair.carry(pair.server);
    expect(pair.client.session.outlet.giveUp(1)).toBe('unknown');
    pair.settle();
    expect([pair.server.started, pair.client.results]).toEqual([[], [[0, CANCELLED, '']]]);
    expect([pair.client.isIdle, pair.server.isIdle, pair.server.parting]).toEqual([true, true, undefined]);
  });

  it('is forgotten by the cancelled as soon as it is over, and so is a cancel of what is no call', () => {
    const { pair } = withSlowServer();
    const cancel = (seq: number): void => {
      const payload = new Uint8Array(8);
      writeU64(payload, 0, seq);
      pair.client.session.outlet.acceptDirect(Kind.CANCEL, payload, 0, 8);
    };
    for (let seq = 1; seq <= 20; seq += 1) cancel(seq);
    pair.settle();
    for (let seq = 1; seq <= 20; seq += 1) pair.client.send(`e${seq}`);
    pair.settle();
    expect(pair.server.handled).toHaveLength(20);
    for (let seq = 1; seq <= 20; seq += 1) expect(pair.server.session.direct.takeCancel(seq)).toBe(false);
  });

  it('may be cancelled as far ahead as the mailbox goes, and not further', () => {
    for (const [seq, code] of [
      [4, undefined],
      [5, 'bad-frame'],
    ] as const) {
      const pair = joined({ server: { limits: { mailboxMessages: 4 } } });
      const payload = new Uint8Array(8);
      writeU64(payload, 0, seq);
      pair.client.session.outlet.acceptDirect(Kind.CANCEL, payload, 0, 8);
      pair.settle();
      expect([readU64(payload, 0), pair.server.parting?.code]).toEqual([seq, code]);
    }
  });

  it('an honest end never cancels further ahead than that, whatever is in its outbox', () => {
    const pair = joined({ server: { limits: { mailboxMessages: 3 } } });
    for (let token = 1; token <= 30; token += 1) pair.client.call(`c${token}`, token);
    pair.pump(pair.client);
    const { outlet } = pair.client.session;
    const outcomes = Array.from({ length: 30 }, (_, index) => outlet.giveUp(index + 1));
    expect(outcomes.filter((outcome) => outcome === 'unknown')).toHaveLength(3);
    pair.settle();
    expect([pair.server.parting, pair.server.started, outlet.abandonedCallCount]).toEqual([undefined, [], 0]);
    expect([pair.client.isIdle, pair.server.isIdle]).toEqual([true, true]);
  });
});

describe('a new epoch', () => {
  it('T20: rejects written calls, answered or not; carries the others; sends no call again', () => {
    const { pair } = withSlowServer({ server: { limits: { mailboxMessages: 3 } } });
    pair.client.call('acknowledged', 1);
    pair.settle();
    pair.client.call('unstarted', 2);
    pair.client.send('e3');
    pair.client.call('unconfirmed', 3);
    pair.client.call('carried', 4);
    pair.settle({ works: false });
    const leftover = pair.renew(0, (left) => pair.client.session.outlet.resend(left));
    expect([leftover.unconfirmed, leftover.carried]).toEqual([3, 1]);
    expect(pair.client.rejections).toEqual([
      [1, 'unknown'],
      [2, 'unknown'],
      [3, 'unknown'],
    ]);
    pair.settle();
    expect([pair.server.handled, pair.client.results]).toEqual([['e3', 'carried'], [[4, OK, 'carried']]]);
  });

  it('lets cancels and results of the old one die, and forgets what was given up', () => {
    const { pair } = withSlowServer();
    pair.client.call('c1', 1);
    pair.settle();
    pair.client.session.outlet.giveUp(1);
    pair.server.call('s1', 2);
    pair.settle();
    pair.renew(1);
    expect(pair.client.session.outlet.abandonedCallCount).toBe(0);
    pair.client.call('c2', 3);
    pair.settle();
    expect([pair.server.started, pair.server.cancelled, pair.client.results.at(-1)]).toEqual([
      ['c2'],
      [],
      [3, OK, 'c2'],
    ]);
  });

  it('starts a call whose number was that of one that was given up in the old one', () => {
    const pair = joined();
    pair.server.call('s1', 1);
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.server.session.outlet.giveUp(1);
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.renew(0);
    pair.server.call('s2', 2);
    pair.settle();
    expect([pair.client.started, pair.server.results]).toEqual([['s2'], [[2, OK, 's2']]]);
  });

  it('rejects carried calls as never sent when they are discarded, or when the session ends', () => {
    const pair = joined();
    pair.cut();
    pair.client.call('c1', 1);
    pair.renew(0, () => pair.client.session.outlet.discardCarried());
    expect(pair.client.rejections).toEqual([[1, 'never-sent']]);
    pair.server.result = () => undefined;
    pair.client.call('c2', 2);
    pair.settle();
    pair.cut();
    pair.client.call('c3', 3);
    pair.client.session.outlet.end(0);
    expect(pair.client.rejections.slice(1)).toEqual([
      [2, 'unknown'],
      [3, 'never-sent'],
    ]);
    expect(pair.client.session.outlet.isEmpty).toBe(true);
  });
});
