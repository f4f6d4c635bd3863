// What gets into an outbox: refused for the reason that holds, and what was refused has changed nothing.
import { describe, expect, it } from 'vitest';
import { Books } from '../../../src/actors/books.ts';
import type { Functions } from '../../../src/actors/functions.ts';
import { Sender } from '../../../src/actors/sender.ts';
import { Tally } from '../../../src/actors/tally.ts';
import { HomingError } from '../../../src/errors.ts';
import type { Session } from '../../../src/session/session.ts';
import { Outlet } from '../../../src/session/outlet.ts';
import { Codec } from '../../../src/wire/codec.ts';
import { HEADER_BYTES, Kind } from '../../../src/wire/frame.ts';
import { defaultWireLimits } from '../../../src/wire/limits.ts';

const limits = {
  messageBytes: 1_000,
  outboxMessages: 3,
  outboxBytes: 200,
  mailboxMessages: 10,
  mailboxBytes: 1_000,
};

function scene(booksBytes = 1_000_000, outbox = limits) {
  const outlet = new Outlet(outbox);
  const codec = new Codec(defaultWireLimits);
  const state = { isOpen: true, acceptedCount: 0, passed: [] as string[] };
  const functions = {
    encode: (into: Codec, message: unknown) => into.encode(message),
    accepted: (ordinal: number, token: number) => void state.passed.push(`accepted ${ordinal} ${token}`),
    refused: () => void state.passed.push('refused'),
  } as unknown as Functions;
  const books = new Books(new Tally(), booksBytes);
  const session = { outlet, isShallow: false };
  const sender = new Sender(
    { session: session as unknown as Session, codec, functions, limits: outbox, books },
    {
      requireOpen() {
        if (!state.isOpen) throw new HomingError('Closed', 'closed');
      },
      isOpen: () => state.isOpen,
      accepted: () => void (state.acceptedCount += 1),
    },
  );
  return { sender, outlet, codec, state, books, session };
}

function payloadOf(...values: unknown[]): Uint8Array {
  const codec = new Codec(defaultWireLimits);
  codec.encode(values);
  return codec.scratch.slice(codec.start, codec.end);
}

const codeOf = (work: () => unknown): string => {
  try {
    work();
    return 'none';
  } catch (error) {
    return (error as HomingError).code;
  }
};

const kindsOf = ({ ordered }: Outlet): number[] =>
  Array.from({ length: ordered.waiting.length }, (_each, index) => ordered.waiting.at(index)?.kind ?? 0);

describe('a sender', () => {
  it('accepts events, and writes and changes of the store, in one order, until the outbox is full', () => {
    const { sender, outlet, state } = scene();
    expect(sender.send(['say', 1])).toBe(true);
    const payload = payloadOf('key', 1);
    expect(sender.store(Kind.WRITE, 'key', payload)).toBe(2);
    payload.fill(0);
    // Bytes are not written in place, where no function can be passed.
    expect(sender.send(['say', new Uint8Array(64)])).toBe(false);
    expect([codeOf(() => sender.send(['say'])), codeOf(() => sender.store(Kind.CHANGE, 'key', payload))]).toEqual([
      'OutboxFull',
      'OutboxFull',
    ]);
    const written = outlet.ordered.waiting.at(1);
    expect(written?.page.slice(written.start, written.end)).toEqual(payloadOf('key', 1));
    expect([kindsOf(outlet), state.acceptedCount]).toEqual([[Kind.EVENT, Kind.WRITE, Kind.EVENT], 3]);
    expect(state.passed).toEqual(['accepted 1 0', 'accepted 3 0', 'refused', 'refused']);
  });

  it('refuses a write that the peer would not take, when the session is closed, and when its shard is full', () => {
    const { sender, outlet, state, books } = scene(100);
    outlet.attach({
      orderedReceived: 0,
      cursor: 0,
      directReceived: 0,
      windowMessages: 10,
      windowBytes: 1_000,
      messageBytes: 50,
      checksum: undefined,
    });
    expect(codeOf(() => sender.store(Kind.WRITE, 'key', new Uint8Array(51)))).toBe('MessageTooLarge');
    books.book(100);
    expect(codeOf(() => sender.store(Kind.WRITE, 'key', new Uint8Array(50)))).toBe('OutboxFull');
    expect([codeOf(() => sender.send(['say'])), codeOf(() => sender.enqueue(Kind.CALL, ['say'], 1))]).toEqual([
      'OutboxFull',
      'OutboxFull',
    ]);
    expect(sender.forward(Kind.FORWARD, new Uint8Array(5))).toBe(false);
    books.book(-100);
    state.isOpen = false;
    expect(codeOf(() => sender.store(Kind.WRITE, 'key', new Uint8Array(50)))).toBe('Closed');
    expect([outlet.lastOrdinal, state.acceptedCount]).toEqual([0, 0]);
    state.isOpen = true;
    expect([sender.store(Kind.WRITE, 'key', new Uint8Array(50)), state.acceptedCount]).toEqual([1, 1]);
  });

  it('lets calls stand in line where events are refused, and writes with them', () => {
    const { sender, outlet, state } = scene();
    for (const n of [1, 2, 3]) sender.send(['say', n]);
    sender.enqueue(Kind.CALL, ['later'], 7);
    expect([outlet.inLineCount, outlet.lastOrdinal, state.passed.at(-1)]).toEqual([1, 4, 'accepted 4 7']);
    expect(codeOf(() => sender.store(Kind.WRITE, 'key', payloadOf('key')))).toBe('OutboxFull');
    expect(codeOf(() => sender.enqueue(Kind.CALL, [5], 8))).toBe('BadOption');
  });

  it('forwards a copy, and says when it did not: no room, too large or too deep, or closed', () => {
    const { sender, outlet, codec, state, session } = scene();
    const payload = payloadOf('say', 's-9', [[[1]]]);
    expect(sender.forward(Kind.FORWARD, payload)).toBe(true);
    codec.limits = { ...defaultWireLimits, depth: 3 };
    expect(sender.forward(Kind.FORWARD, payload)).toBe(true);
    session.isShallow = true;
    expect(sender.forward(Kind.FORWARD, payload)).toBe(false);
    session.isShallow = false;
    expect(sender.forward(Kind.FORWARD, new Uint8Array(200))).toBe(false);
    state.isOpen = false;
    expect(sender.forward(Kind.FORWARD, payload)).toBe(false);
    state.isOpen = true;
    expect([sender.forward(Kind.FORWARD, payload), sender.forward(Kind.FORWARD, payload)]).toEqual([true, false]);
    expect([kindsOf(outlet), state.acceptedCount]).toEqual([[Kind.FORWARD, Kind.FORWARD, Kind.FORWARD], 3]);
  });
});

describe('a short message', () => {
  const roomy = { ...limits, outboxMessages: 1_000, outboxBytes: 100_000 };
  const values = { a: 1, b: 'ä', c: [true, undefined, null, -1, 1.5] };

  it('is written in place, behind room for its header, as the bytes that a copy of it would be', () => {
    const { sender, outlet } = scene(1_000_000, roomy);
    sender.send(['say', 'x'.repeat(64)]);
    sender.send(['say', values]);
    const [copied, written] = [outlet.ordered.waiting.at(0), outlet.ordered.waiting.at(1)];
    expect(written?.page).toBe(copied?.page);
    expect(written?.start).toBe((copied?.end ?? 0) + HEADER_BYTES);
    expect(written?.page.slice(written.start, written.end)).toEqual(payloadOf('say', values));
    expect(outlet.ordered.bytes).toBe(payloadOf('say', 'x'.repeat(64)).length + payloadOf('say', values).length);
  });

  it('that does not fit its page any more goes to the next one, whole, and leaves what is there alone', () => {
    const { sender, outlet } = scene(1_000_000, roomy);
    const texts = Array.from({ length: 100 }, (_, at) => `${at} ${'y'.repeat(40)}`);
    for (const text of texts) sender.send(['say', text]);
    const messages = texts.map((_, at) => outlet.ordered.waiting.at(at));
    expect(messages.map((message) => message?.page.slice(message.start, message.end))).toEqual(
      texts.map((text) => payloadOf('say', text)),
    );
    expect(new Set(messages.map((message) => message?.page)).size).toBeGreaterThan(1);
  });

  it('is not accepted when it is too large for the peer or there is no room, and the next one takes its place', () => {
    const { sender, outlet } = scene(1_000_000, { ...limits, outboxMessages: 2 });
    sender.send(['say', 'x'.repeat(64)]);
    const page = outlet.ordered.page;
    outlet.attach({
      orderedReceived: 0,
      cursor: 0,
      directReceived: 0,
      windowMessages: 10,
      windowBytes: 1_000,
      messageBytes: 80,
      checksum: undefined,
    });
    const at = outlet.ordered.freeAt;
    expect(codeOf(() => sender.send(['say', 'y'.repeat(40), 'z'.repeat(40)]))).toBe('MessageTooLarge');
    expect([outlet.ordered.page, outlet.ordered.freeAt]).toEqual([page, at]);
    sender.send(['say', 1]);
    expect(codeOf(() => sender.send(['say', 2]))).toBe('OutboxFull');
    const last = outlet.ordered.waiting.at(1);
    expect([last?.start, last?.page.slice(last.start, last.end)]).toEqual([at, payloadOf('say', 1)]);
    expect(outlet.ordered.messages).toBe(2);
  });

  it('whose getter sends another message is refused, and the other one is', () => {
    const { sender, outlet } = scene(1_000_000, roomy);
    sender.send(['say', 'x'.repeat(64)]);
    let inner = 'none';
    const nesting = {
      get value(): number {
        inner = codeOf(() => sender.send(['inner']));
        return 1;
      },
    };
    sender.send(['outer', nesting]);
    expect(inner).toBe('NotEncodable');
    const last = outlet.ordered.waiting.at(1);
    expect(last?.page.slice(last.start, last.end)).toEqual(payloadOf('outer', { value: 1 }));
    expect(outlet.ordered.messages).toBe(2);
  });

  it('whose getter lets go of the page is copied to the next one', () => {
    const { sender, outlet } = scene(1_000_000, roomy);
    sender.send(['say', 'x'.repeat(64)]);
    const leaving = {
      get value(): number {
        const first = outlet.ordered.waiting.at(0);
        if (first !== undefined) outlet.ordered.cancel(first);
        outlet.ordered.trim();
        return 1;
      },
    };
    sender.send(['say', leaving]);
    const only = outlet.ordered.waiting.at(0);
    expect(only?.page.slice(only.start, only.end)).toEqual(payloadOf('say', { value: 1 }));
    expect(outlet.ordered.messages).toBe(1);
  });
});
