import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { sessionId } from '../../../src/ids.ts';
import { ReceiptStatus } from '../../../src/session/direct.ts';
import { Taken } from '../../../src/session/session.ts';
import { encodeClose, encodeNumber } from '../../../src/wire/control.ts';
import { FRAGMENT_FLAG, FrameType, Kind, frameOf, writeHeader, writeU32, writeU64 } from '../../../src/wire/frame.ts';
import { End, Pair, joined, padded, payloadOf } from './pair.ts';

const attachedPeer = {
  orderedReceived: 0,
  cursor: 0,
  directReceived: 0,
  windowMessages: 100,
  windowBytes: 100_000,
  messageBytes: 1_048_576,
  checksum: undefined,
};

interface HandMade {
  readonly type?: number;
  readonly seq: number;
  readonly flags?: number;
  readonly body: Uint8Array;
}

function handMade({ type = FrameType.ORDERED, seq, flags = Kind.EVENT, body }: HandMade): Uint8Array {
  const frame = new Uint8Array(16 + body.length);
  writeHeader(frame, 0, type, flags, seq, body.length);
  frame.set(body, 16);
  return frame;
}

function fragment(seq: number, total: number, offset: number, bytes: number, kind: number = Kind.EVENT): Uint8Array {
  const body = new Uint8Array(8 + bytes);
  writeU32(body, 0, total);
  writeU32(body, 4, offset);
  return handMade({ seq, flags: kind | FRAGMENT_FLAG, body });
}

function receipt(seq: number, ofSeq: number, status: number, error = ''): Uint8Array {
  const body = new Uint8Array(9 + error.length);
  writeU64(body, 0, ofSeq);
  body[8] = status;
  body.set(payloadOf(error), 9);
  return handMade({ type: FrameType.DIRECT, seq, flags: Kind.RECEIPT, body });
}

function ack(orderedReceived: number, cursor: number, directReceived: number): Uint8Array {
  const body = new Uint8Array(32);
  writeU64(body, 0, orderedReceived);
  writeU64(body, 8, cursor);
  writeU64(body, 16, directReceived);
  writeU32(body, 24, 100);
  writeU32(body, 28, 100_000);
  return frameOf(FrameType.ACK, body, undefined);
}

/** An end that reads what a hostile peer wrote by hand. */
function victim(options: ConstructorParameters<typeof End>[0] = {}): End {
  const end = new End(options);
  end.splitter.checksummed = false;
  end.session.attach(attachedPeer, false, 0);
  return end;
}

function codeAfter(end: End, ...frames: readonly Uint8Array[]): string | undefined {
  for (const frame of frames) if (!end.read(frame, 0)) break;
  return end.parting?.code;
}

describe('the receive rule', () => {
  it('takes the next message of a lane and nothing else', () => {
    const event = (seq: number): Uint8Array => handMade({ seq, body: payloadOf('m') });
    expect(codeAfter(victim(), event(1), event(2))).toBeUndefined();
    expect(codeAfter(victim(), event(2))).toBe('seq-gap');
    expect(codeAfter(victim(), event(1), event(1))).toBe('seq-gap');
    expect(codeAfter(victim(), event(1), event(3))).toBe('seq-gap');
  });

  it('gives the two lanes numbers of their own', () => {
    const end = victim();
    for (const message of ['a', 'b', 'c']) end.deliver(message, message.length);
    new Pair().pump(end);
    const event = handMade({ seq: 1, body: payloadOf('m') });
    end.session.pump({ add: () => {}, bytes: 0 } as never, 100_000, 0);
    expect(codeAfter(end, event, receipt(1, 1, 0), receipt(2, 2, 0))).toBeUndefined();
    expect([end.session.orderedReceived, end.session.directReceived]).toEqual([1, 2]);
  });

  it('refuses a payload that the scan refuses, before it counts as received', () => {
    const end = victim();
    expect(codeAfter(end, handMade({ seq: 1, body: Uint8Array.of(0xff) }))).toBe('payload-refused');
    expect([end.session.orderedReceived, end.session.room.messages]).toEqual([0, 0]);
  });

  it('refuses a message that is larger than it announced to take', () => {
    const limits = { messageBytes: 100 };
    expect(codeAfter(victim({ limits }), handMade({ seq: 1, body: new Uint8Array(101) }))).toBe('message-too-large');
    expect(codeAfter(victim({ limits }), fragment(1, 101, 0, 50))).toBe('message-too-large');
    expect(codeAfter(victim({ limits }), handMade({ seq: 1, body: new Uint8Array(100) }))).toBeUndefined();
  });

  it('refuses what exceeds the credit it has told, also if there is room by now', () => {
    const limits = { mailboxMessages: 2, mailboxBytes: 100 };
    const event = (seq: number, bytes = 1): Uint8Array => handMade({ seq, body: new Uint8Array(bytes) });
    expect(codeAfter(victim({ limits }), event(1), event(2))).toBeUndefined();
    expect(codeAfter(victim({ limits }), event(1), event(2), event(3))).toBe('credit-exceeded');
    expect(codeAfter(victim({ limits }), event(1, 50), event(2, 51))).toBe('credit-exceeded');
    expect(codeAfter(victim({ limits }), event(1, 500))).toBeUndefined();
    const quick = victim({ limits });
    codeAfter(quick, event(1), event(2));
    quick.work(0);
    expect(codeAfter(quick, event(3))).toBe('credit-exceeded');
    const wide = victim({ limits: { mailboxMessages: 9, mailboxBytes: 100 } });
    codeAfter(wide, event(1, 40));
    wide.work(0);
    expect(codeAfter(wide, event(2, 40))).toBeUndefined();
    expect(codeAfter(wide, event(3, 40))).toBe('credit-exceeded');
  });

  it('grants with an ack no room for what has only arrived', () => {
    const end = victim({ limits: { mailboxMessages: 2 } });
    const event = (seq: number): Uint8Array => handMade({ seq, body: payloadOf('m') });
    codeAfter(end, event(1), event(2));
    end.session.ackNow();
    new Pair().pump(end);
    expect(end.tell().windowMessages).toBe(2);
    expect(codeAfter(end, event(3))).toBe('credit-exceeded');
  });

  it('keeps nothing of a fragment that exceeds the credit', () => {
    const end = victim({ limits: { mailboxMessages: 2, mailboxBytes: 100 } });
    codeAfter(end, handMade({ seq: 1, body: payloadOf('m') }));
    expect(codeAfter(end, fragment(2, 70_000, 0, 65_536))).toBe('credit-exceeded');
    expect(end.session.mailboxBytes).toBe(1);
  });

  it('refuses handshake frames, and pings, pongs and asks with an unsafe number', () => {
    const unsafe = new Uint8Array(8).fill(0xff);
    for (const type of [FrameType.PING, FrameType.PONG, FrameType.ASK])
      expect(codeAfter(victim(), frameOf(type, unsafe, undefined))).toBe('bad-frame');
    for (const type of [FrameType.HELLO, FrameType.WELCOME, FrameType.REFUSED])
      expect(codeAfter(victim(), frameOf(type, new Uint8Array(4), undefined))).toBe('unexpected-frame');
  });

  it('refuses malformed farewells and drains', () => {
    expect(codeAfter(victim(), frameOf(FrameType.GOAWAY, new Uint8Array(3), undefined))).toBe('bad-frame');
    expect(codeAfter(victim(), frameOf(FrameType.CLOSE, new Uint8Array(3), undefined))).toBe('bad-frame');
  });

  it('tells why the peer closes, and when to come back', () => {
    const end = victim();
    const close = { code: 'overloaded', retryAfterMs: 700, reason: 'full' } as const;
    expect(codeAfter(end, frameOf(FrameType.CLOSE, encodeClose(close), undefined))).toBe('overloaded');
    expect(end.parting).toEqual(close);
  });

  it('refuses acks of what was never sent', () => {
    expect(codeAfter(victim(), ack(1, 0, 0))).toBe('ack-beyond-sent');
    expect(codeAfter(victim(), ack(0, 0, 1))).toBe('ack-beyond-sent');
    expect(codeAfter(victim(), ack(0, 1, 0))).toBe('bad-frame');
    expect(codeAfter(victim(), ack(0, 0, 0))).toBeUndefined();
  });

  it('calls no fault of its own terminal, whatever a peer does', () => {
    const end = victim();
    codeAfter(end, handMade({ seq: 2, body: payloadOf('m') }));
    expect(end.parting?.retryAfterMs).toBe(0);
    expect(
      end.session.receive(FrameType.HELLO, { flags: 0, seq: 0, bytes: new Uint8Array(0), start: 0, end: 0 }, 0),
    ).toBe(Taken.FAULT);
  });
});

describe('receipts', () => {
  it('T1 a receipt may go between the fragments of an ordered message', () => {
    const pair = joined();
    pair.server.deliver('question', 1);
    pair.pump(pair.server);
    pair.carry(pair.client);
    pair.client.send(padded('large', 300_000));
    pair.pump(pair.client, 70_000);
    pair.client.work(pair.nowMs);
    const types = pair.framesOf(pair.client, 60_000);
    expect(types.filter((type) => type >= FrameType.ORDERED)).toEqual([FrameType.DIRECT, FrameType.ORDERED]);
    pair.settle();
    expect(pair.server.handled).toEqual([padded('large', 300_000)]);
    expect(pair.server.receipts).toEqual([[1, ReceiptStatus.OK]]);
  });

  it('tell the outcome of a handler: done, failed with its error, or nobody listens', () => {
    const pair = joined();
    const error = payloadOf('what went wrong');
    const answers = { ok: { status: 0 }, bad: { status: 1, error }, none: { status: 2 } };
    pair.server.answer = (mail) => answers[mail.text as keyof typeof answers];
    Object.keys(answers).forEach((name, index) => pair.client.deliver(name, index + 1));
    pair.settle();
    expect(pair.client.receipts).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    const failed = pair.client.outputs.find((output) => output.type === 'receipt' && output.token === 2);
    expect(failed).toEqual({ type: 'receipt', token: 2, status: 1, error: payloadOf('what went wrong') });
  });

  it('survive a cut on the way, and settle once', () => {
    const pair = joined();
    pair.client.deliver('a', 1);
    pair.pump(pair.client);
    pair.carry(pair.server);
    pair.server.work(pair.nowMs);
    pair.pump(pair.server);
    pair.connect();
    pair.settle();
    pair.connect();
    pair.settle();
    expect(pair.client.receipts).toEqual([[1, 0]]);
    expect(pair.server.handled).toEqual(['a']);
  });

  it('T2 are released as they are received, while a handler of one event runs for an hour', () => {
    const pair = joined();
    pair.client.send('takes an hour');
    pair.pump(pair.client);
    pair.carry(pair.server);
    for (let token = 1; token <= 500; token += 1) {
      pair.server.deliver('question', token);
      pair.pump(pair.server);
      pair.carry(pair.client);
      pair.client.work(pair.nowMs);
      pair.pump(pair.client);
      pair.carry(pair.server);
      pair.advance(60);
      pair.pump(pair.server);
      pair.carry(pair.client);
      expect(pair.client.session.outlet.direct.messages).toBeLessThan(40);
      expect(pair.server.session.outlet.ordered.messages).toBeLessThan(40);
    }
    expect(pair.server.receipts.length).toBe(500);
    expect(pair.client.session.outlet.ordered.messages).toBe(1);
  });

  it('are refused when malformed, or for a message that was never sent or asked for none', () => {
    const asked = (): End => {
      const end = victim();
      end.deliver('a', 1);
      end.send('b');
      new Pair().pump(end);
      return end;
    };
    expect(codeAfter(asked(), receipt(1, 1, 0))).toBeUndefined();
    expect(codeAfter(asked(), receipt(1, 1, 1, 'x'))).toBeUndefined();
    expect(codeAfter(asked(), receipt(1, 2, 0))).toBe('unknown-receipt');
    expect(codeAfter(asked(), receipt(1, 3, 0))).toBe('unknown-receipt');
    expect(codeAfter(asked(), receipt(1, 1, 0), receipt(2, 1, 0))).toBe('unknown-receipt');
    expect(codeAfter(asked(), receipt(1, 0, 0))).toBe('bad-frame');
    expect(codeAfter(asked(), receipt(1, 1, 3))).toBe('bad-frame');
    expect(codeAfter(asked(), receipt(1, 1, 0, 'x'))).toBe('bad-frame');
    expect(codeAfter(asked(), receipt(1, 1, 1))).toBe('bad-frame');
    expect(codeAfter(asked(), receipt(1, 1, 1, '\u00ff'))).toBe('payload-refused');
    const short = handMade({ type: FrameType.DIRECT, seq: 1, flags: Kind.RECEIPT, body: new Uint8Array(8) });
    expect(codeAfter(asked(), short)).toBe('bad-frame');
  });

  it('with an error larger than the peer takes go without its text, instead of breaking the connection for ever', () => {
    const pair = joined({ client: { limits: { messageBytes: 200 } } });
    pair.server.answer = () => ({ status: ReceiptStatus.FAILED, error: payloadOf(padded('a long story', 5_000)) });
    pair.client.deliver('a', 1);
    pair.settle();
    expect(pair.client.receipts).toEqual([[1, ReceiptStatus.FAILED]]);
    expect(pair.client.parting).toBeUndefined();
  });

  it('bound their own number: a peer that never acknowledges them runs out of credit', () => {
    const limits = { mailboxMessages: 8, mailboxBytes: 1_000 };
    const end = victim({ limits });
    const world = new Pair();
    for (let seq = 1; seq <= 1_000; seq += 1) {
      const { windowMessages } = end.tell();
      const event = handMade({ seq, flags: Kind.DELIVER, body: payloadOf('m') });
      if (!end.read(event, seq)) break;
      end.work(seq);
      end.session.ackNow();
      world.pump(end);
      expect(windowMessages).toBeGreaterThan(0);
    }
    expect(end.parting?.code).toBe('credit-exceeded');
    expect(end.session.outlet.direct.messages).toBeLessThanOrEqual(16);
  });

  it('that are acknowledged at last give their credit back at once', () => {
    const end = victim({ limits: { mailboxMessages: 4, mailboxBytes: 1_000 } });
    const world = new Pair();
    for (let seq = 1; seq <= 8; seq += 1) {
      end.read(handMade({ seq, flags: Kind.DELIVER, body: payloadOf('m') }), 0);
      end.work(0);
      world.pump(end);
    }
    expect(end.parting).toBeUndefined();
    expect(end.tell().windowMessages).toBe(0);
    end.read(ack(0, 0, 3), 0);
    expect(end.parting).toBeUndefined();
    expect(end.tell().windowMessages).toBe(3);
    expect(world.framesOf(end)).toEqual([FrameType.ACK]);
    end.read(ack(0, 0, 8), 0);
    expect(end.tell().windowMessages).toBe(4);
  });

  it('of a long run through a small window all come', () => {
    const pair = joined({ server: { limits: { mailboxMessages: 4, mailboxBytes: 1_000 } } });
    for (let token = 1; token <= 100; token += 1) pair.client.deliver('question', token);
    pair.settle();
    expect(pair.client.receipts.length).toBe(100);
  });
});

describe('fragments', () => {
  it('are put together again wherever the line is cut into pieces', () => {
    for (const pieceBytes of [1_000, 65_560, 100_000, Infinity]) {
      const pair = joined({ checksum: pieceBytes === 1_000 });
      pair.client.send(padded('before', 65_536));
      pair.client.send(padded('large', 65_537));
      pair.client.send(padded('larger', 300_000));
      pair.settle({ pieceBytes });
      expect(pair.server.handled).toEqual([
        padded('before', 65_536),
        padded('large', 65_537),
        padded('larger', 300_000),
      ]);
    }
  });

  it('are refused out of order, with another total, of another kind, or mixed with a whole message', () => {
    expect(codeAfter(victim(), fragment(1, 100_000, 0, 40_000), fragment(1, 100_000, 40_000, 60_000))).toBeUndefined();
    expect(codeAfter(victim(), fragment(1, 100_000, 10_000, 40_000))).toBe('bad-frame');
    expect(codeAfter(victim(), fragment(1, 100_000, 0, 40_000), fragment(1, 100_000, 50_000, 50_000))).toBe(
      'bad-frame',
    );
    expect(codeAfter(victim(), fragment(1, 100_000, 0, 40_000), fragment(1, 100_000, 0, 40_000))).toBe('bad-frame');
    expect(codeAfter(victim(), fragment(1, 100_000, 0, 40_000), fragment(1, 110_000, 40_000, 65_000))).toBe(
      'bad-frame',
    );
    expect(codeAfter(victim(), fragment(1, 100_000, 0, 40_000), fragment(1, 100_000, 40_000, 65_000))).toBe(
      'bad-frame',
    );
    expect(
      codeAfter(victim(), fragment(1, 100_000, 0, 40_000), fragment(1, 100_000, 40_000, 60_000, Kind.DELIVER)),
    ).toBe('bad-frame');
    expect(codeAfter(victim(), fragment(1, 100_000, 0, 40_000), fragment(2, 100_000, 40_000, 60_000))).toBe('seq-gap');
    expect(codeAfter(victim(), fragment(1, 100_000, 0, 40_000), handMade({ seq: 1, body: payloadOf('m') }))).toBe(
      'bad-frame',
    );
  });

  it('count against the mailbox while the message is unfinished, and are gone after a cut', () => {
    const end = victim();
    codeAfter(end, fragment(1, 100_000, 0, 60_000));
    expect(end.session.mailboxBytes).toBe(60_000);
    end.session.detach();
    expect(end.session.mailboxBytes).toBe(0);
    end.session.attach(attachedPeer, false, 0);
    expect(codeAfter(end, fragment(1, 100_000, 0, 60_000), fragment(1, 100_000, 60_000, 40_000))).toBeUndefined();
    expect(end.mailbox.length).toBe(1);
  });

  it('T18 of a message larger than the byte window pass alone, at both ends', () => {
    const pair = joined({ server: { limits: { mailboxBytes: 1_000 } } });
    const messages = ['a', padded('large', 200_000), 'b', padded('larger', 300_000), 'c'];
    for (const message of messages) pair.client.send(message);
    pair.settle();
    expect(pair.server.handled).toEqual(messages);
    expect(pair.server.parting).toBeUndefined();
    expect(pair.server.mailboxMessagesSeenMax).toBe(1);
  });
});

describe('acknowledgements', () => {
  it('tell what was processed, never what only arrived', () => {
    const pair = joined();
    pair.client.send('a');
    pair.settle({ works: false });
    expect(pair.client.session.outlet.peerReceived).toBe(1);
    expect(pair.client.session.outlet.ordered.messages).toBe(1);
    pair.settle();
    expect(pair.client.session.outlet.ordered.messages).toBe(0);
  });

  it('go with the next message, or alone within 50 ms', () => {
    const pair = joined();
    pair.client.send('a');
    pair.pump(pair.client);
    pair.carry(pair.server);
    pair.server.work(pair.nowMs);
    expect(pair.framesOf(pair.server)).toEqual([]);
    pair.advance(49);
    expect(pair.framesOf(pair.server)).toEqual([]);
    pair.advance(1);
    expect(pair.framesOf(pair.server)).toEqual([FrameType.ACK]);
    expect(pair.server.session.deadlineMs).toBeGreaterThan(pair.nowMs + 1_000);
  });

  it('go at once for what flush waits for, the earlier ask included', () => {
    const pair = joined();
    for (const token of [1, 2]) {
      pair.client.send(`m${token}`);
      pair.client.session.outlet.flush(token);
      pair.pump(pair.client);
      pair.carry(pair.server);
    }
    for (const token of [1, 2]) {
      pair.server.work(pair.nowMs, 1);
      pair.pump(pair.server);
      pair.carry(pair.client);
      expect(pair.client.flushed.at(-1)).toBe(token);
    }
  });

  it('go at once with a receipt', () => {
    const pair = joined();
    pair.client.deliver('a', 1);
    pair.pump(pair.client);
    pair.carry(pair.server);
    pair.server.work(pair.nowMs);
    expect(pair.framesOf(pair.server)).toEqual([FrameType.ACK, FrameType.DIRECT]);
  });

  it('go at once after 32 messages, after 64 KiB, and when half of a small window is used', () => {
    const processed = (count: number, bytes: number, limits = {}): number[] => {
      const pair = joined({ server: { limits } });
      for (let i = 0; i < count; i += 1) pair.client.send(padded('m', bytes));
      pair.pump(pair.client);
      pair.carry(pair.server);
      pair.server.work(pair.nowMs);
      return pair.framesOf(pair.server);
    };
    expect(processed(31, 10)).toEqual([]);
    expect(processed(32, 10)).toEqual([FrameType.ACK]);
    expect(processed(1, 65_535)).toEqual([]);
    expect(processed(1, 65_536)).toEqual([FrameType.ACK]);
    expect(processed(1, 10, { mailboxMessages: 4 })).toEqual([]);
    expect(processed(2, 10, { mailboxMessages: 4 })).toEqual([FrameType.ACK]);
    expect(processed(1, 500, { mailboxBytes: 1_000 })).toEqual([FrameType.ACK]);
  });

  it('go at once after WELCOME from the client, also without news, and before a graceful close if there is news', () => {
    const pair = new Pair();
    pair.connect();
    expect(pair.framesOf(pair.client)).toEqual([FrameType.ACK]);
    expect(pair.framesOf(pair.server)).toEqual([]);
    pair.server.session.ackNow();
    expect(pair.framesOf(pair.server)).toEqual([]);
    pair.client.send('a');
    pair.settle({ works: false });
    pair.server.work(pair.nowMs);
    pair.server.session.ackNow();
    expect(pair.framesOf(pair.server)).toEqual([FrameType.ACK]);
  });

  it('leave no deadline in the past when there is no news, or nothing can be written', () => {
    const pair = joined({ client: { limits: { mailboxMessages: 2, mailboxBytes: 1_000 } } });
    pair.server.send('a');
    pair.server.send('b');
    pair.settle({ works: false });
    pair.renew(0);
    pair.settle({ works: false });
    for (const name of ['c', 'd', 'e']) pair.server.send(name);
    pair.settle({ works: false });
    expect(pair.client.mailbox.length).toBe(2);
    const settledOld = (): void => {
      pair.client.session.room.oldMessages += 1;
      pair.client.session.settleOld(0, pair.nowMs);
    };
    settledOld();
    pair.advance(60);
    pair.pump(pair.client);
    expect(pair.client.session.deadlineMs).toBeGreaterThan(pair.nowMs);
    pair.client.work(pair.nowMs, 1);
    pair.advance(60);
    expect(pair.client.session.deadlineMs).toBeGreaterThan(pair.nowMs);
    pair.client.work(pair.nowMs, 1);
    expect(pair.client.session.deadlineMs).toBeGreaterThan(pair.nowMs + 100);
  });
});

describe('a session across connections', () => {
  it('resumes with nothing exchanged, again and again', () => {
    const pair = joined();
    for (let time = 0; time < 5; time += 1) {
      pair.connect();
      pair.settle();
    }
    expect([pair.client.parting, pair.server.parting]).toEqual([undefined, undefined]);
  });

  it('drops a message that the peer has, and sends again what it has not', () => {
    const pair = joined();
    for (const name of ['a', 'b', 'c']) pair.client.send(name);
    pair.pump(pair.client);
    pair.carry(pair.server, 2 * 17);
    pair.connect();
    pair.settle();
    expect(pair.server.handled).toEqual(['a', 'b', 'c']);
  });

  it('handles what was received across connections, once', () => {
    const pair = joined();
    pair.client.send('a');
    pair.settle({ works: false });
    pair.connect();
    pair.settle({ works: false });
    pair.connect();
    pair.settle();
    expect(pair.server.handled).toEqual(['a']);
    expect(pair.client.isIdle).toBe(true);
  });

  it('takes positions that were told before more was processed', () => {
    const pair = joined();
    for (const name of ['a', 'b', 'c']) pair.server.send(name);
    pair.settle({ works: false });
    const hello = pair.client.tell();
    pair.client.work(pair.nowMs, 2);
    pair.connect(hello);
    pair.settle();
    expect(pair.client.handled).toEqual(['a', 'b', 'c']);
    expect(pair.server.isIdle).toBe(true);
  });

  it('writes nothing and has no deadline while it has no connection', () => {
    const never = new End();
    const pair = joined();
    pair.cut();
    for (const end of [never, pair.client]) {
      end.send('a');
      expect(pair.pump(end)).toBe(0);
      expect(end.session.deadlineMs).toBe(Infinity);
      expect(end.session.tick(1e9)).toBe('nothing');
    }
  });

  it('keeps no view of what was read', () => {
    const pair = joined();
    pair.client.deliver('a', 1);
    pair.settle();
    const { session } = pair.server;
    expect(session.message.bytes.length).toBe(0);
  });
});

describe('a new epoch', () => {
  it('T3 a receipt that was never written dies with its epoch, and never settles the first deliver of the new one', () => {
    const pair = joined();
    pair.server.deliver('s1', 1);
    pair.settle({ works: false });
    pair.client.work(pair.nowMs);
    pair.renew(0);
    pair.server.deliver('first of the new epoch', 2);
    pair.settle({ works: false });
    expect(pair.server.receipts).toEqual([]);
    pair.settle();
    expect(pair.server.receipts).toEqual([[2, 0]]);
    expect(pair.client.handled).toEqual(['s1', 'first of the new epoch']);
  });

  it('T3 a deliver of the old epoch is rejected, and no receipt of the new one settles it', () => {
    const pair = joined();
    pair.client.deliver('c1', 1);
    pair.pump(pair.client);
    pair.renew(0);
    expect(pair.client.rejections).toEqual([[1, 'unknown']]);
    pair.client.deliver('c1 of the new epoch', 2);
    pair.settle();
    expect(pair.client.receipts).toEqual([[2, 0]]);
  });

  it('T4 counts old messages in the mailbox until they settle, epoch after epoch, and handles them first', () => {
    const limits = { mailboxMessages: 4, mailboxBytes: 1_000 };
    const pair = joined({ client: { limits } });
    let sent = 0;
    for (let epoch = 0; epoch < 6; epoch += 1) {
      for (let i = 0; i < 3; i += 1) {
        sent += 1;
        pair.server.send(`s${sent}`);
      }
      pair.settle({ works: false });
      expect(pair.client.parting).toBeUndefined();
      expect(pair.server.parting).toBeUndefined();
      pair.renew(0);
    }
    expect(pair.client.mailboxMessagesSeenMax).toBe(4);
    expect(pair.client.mailbox.map((mail) => mail.text)).toEqual(['s1', 's2', 's3', 's4']);
    pair.server.send('last');
    pair.settle();
    expect(pair.client.handled).toEqual(['s1', 's2', 's3', 's4', 'last']);
    expect(pair.server.isIdle).toBe(true);
  });

  it('T4 grants nothing while old messages fill the bytes, and grants again when they settle', () => {
    const pair = joined({ client: { limits: { mailboxMessages: 10, mailboxBytes: 100 } } });
    pair.server.send(padded('old', 100));
    pair.settle({ works: false });
    pair.renew(0);
    pair.server.send('new');
    pair.settle({ works: false });
    expect(pair.client.mailbox.length).toBe(1);
    pair.settle();
    expect(pair.client.handled).toEqual([padded('old', 100), 'new']);
  });

  it('never acknowledges what was received in an older one', () => {
    const pair = joined();
    pair.server.send('old');
    pair.settle({ works: false });
    pair.renew(0);
    pair.settle();
    expect(pair.client.handled).toEqual(['old']);
    expect(pair.client.session.cursor).toBe(0);
    expect(pair.server.parting).toBeUndefined();
  });

  it('T13 the final cursor keeps a processed message from running twice', () => {
    const pair = joined();
    pair.client.send('c1');
    pair.client.send('c2');
    pair.pump(pair.client, 10);
    pair.carry(pair.server);
    pair.server.work(pair.nowMs);
    pair.pump(pair.client);
    const { handled, session } = pair.server;
    const leftover = pair.renew(session.cursor, (left) => pair.client.session.outlet.resend(left));
    expect(leftover.unconfirmed).toBe(1);
    pair.settle();
    expect([...handled, ...pair.server.handled]).toEqual(['c1', 'c2']);
  });

  it('sends again and carries in order', () => {
    const pair = joined({ server: { limits: { mailboxMessages: 2 } } });
    for (const name of ['a', 'b', 'c', 'd']) pair.client.send(name);
    pair.pump(pair.client);
    const leftover = pair.renew(0, (left) => pair.client.session.outlet.resend(left));
    expect([leftover.unconfirmed, leftover.carried]).toEqual([2, 2]);
    pair.settle();
    expect(pair.server.handled).toEqual(['a', 'b', 'c', 'd']);
  });

  it('breaks an invariant when more is settled than was received', () => {
    const end = victim();
    expect(() => end.session.processed(1, 0)).toThrow('processed');
    expect(() => end.session.settleOld(1, 0)).toThrow('old');
  });

  it('goes by the name it was given', () => {
    const end = new End();
    end.session.adopt(sessionId('s-9'), new Uint8Array(32), 9);
    expect([end.session.id, end.session.epoch]).toEqual(['s-9', 9]);
    expect(end.session.secret).toEqual(new Uint8Array(32));
    expect(inspect(end.session, { depth: 9, getters: false })).not.toContain('secret');
  });
});

describe('hostile bounds', () => {
  it('answers a flood of pings with one pong, to the last', () => {
    const end = victim();
    for (let nonce = 1; nonce <= 1_000; nonce += 1)
      end.read(frameOf(FrameType.PING, encodeNumber(nonce), undefined), 0);
    const world = new Pair();
    expect(world.pump(end)).toBe(24);
    expect(world.pump(end)).toBe(0);
  });

  it('keeps a bounded number of asks, and answers the furthest', () => {
    const limits = { mailboxMessages: 1_000 };
    const end = victim({ limits });
    for (let cursor = 1; cursor <= 500; cursor += 1)
      end.read(frameOf(FrameType.ASK, encodeNumber(cursor), undefined), 0);
    const world = new Pair();
    for (let seq = 1; seq <= 500; seq += 1) end.read(handMade({ seq, body: payloadOf('m') }), 0);
    end.session.ackNow();
    world.pump(end);
    end.work(0, 499);
    world.pump(end);
    end.work(0, 1);
    expect(world.framesOf(end)).toEqual([FrameType.ACK]);
  });

  it('is not kept from answering by an ask for what will never come', () => {
    const pair = joined();
    pair.server.read(frameOf(FrameType.ASK, encodeNumber(2 ** 50), undefined), pair.nowMs);
    pair.client.send('a');
    pair.client.session.outlet.flush(1);
    pair.settle();
    expect(pair.client.flushed).toEqual([1]);
  });
});

describe('liveness', () => {
  it('pings when idle, is answered, and measures the round trip', () => {
    const pair = joined();
    pair.advance(5_000);
    expect(pair.framesOf(pair.client)).toEqual([FrameType.PING]);
    pair.nowMs += 30;
    pair.carry(pair.server);
    expect(pair.framesOf(pair.server)).toContain(FrameType.PONG);
    pair.nowMs += 12;
    pair.carry(pair.client);
    expect(pair.client.session.liveness.rttMs).toBe(42);
  });

  it('finds a line silent whose bytes vanish, within the timeout and a second', () => {
    const pair = joined();
    const from = pair.nowMs;
    while (pair.advance(50)) {
      for (const end of [pair.client, pair.server]) pair.pump(end);
      pair.toClient.clear();
      pair.toServer.clear();
      if (pair.nowMs - from > 60_000) break;
    }
    expect(pair.nowMs - from).toBeGreaterThanOrEqual(15_000);
    expect(pair.nowMs - from).toBeLessThanOrEqual(16_000);
  });

  it('probes early when something written stays unacknowledged, and not when it was acknowledged', () => {
    const pair = joined();
    pair.client.send('a');
    pair.pump(pair.client);
    pair.advance(1_000);
    expect(pair.framesOf(pair.client)).toEqual([FrameType.PING]);
    pair.settle();
    pair.client.send('b');
    pair.settle();
    pair.advance(1_000);
    expect(pair.framesOf(pair.client)).toEqual([]);
  });
});
