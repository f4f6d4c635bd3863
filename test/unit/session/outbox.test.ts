import { describe, expect, it } from 'vitest';
import { Outbox, type Outgoing } from '../../../src/session/outbox.ts';
import { HEADER_BYTES, Kind } from '../../../src/wire/frame.ts';
import { padded, payloadOf } from './pair.ts';

let ordinal = 0;

function append(outbox: Outbox, message: string): Outgoing {
  const bytes = payloadOf(message);
  ordinal += 1;
  return outbox.append(Kind.EVENT, bytes, 0, bytes.length, ordinal, ordinal);
}

function textOf(message: Outgoing | undefined): string | undefined {
  return message === undefined ? undefined : String.fromCharCode(...message.page.subarray(message.start, message.end));
}

function textsOf(queue: Outbox['waiting']): (string | undefined)[] {
  return Array.from({ length: queue.length }, (_, index) => textOf(queue.at(index)));
}

/** Bytes of all pages that the messages of an outbox keep alive. */
function bytesHeld(outbox: Outbox): number {
  const pages = new Set<Uint8Array>();
  for (const queue of [outbox.written, outbox.waiting])
    for (let index = 0; index < queue.length; index += 1) {
      const message = queue.at(index);
      if (message !== undefined) pages.add(message.page);
    }
  return [...pages].reduce((sum, page) => sum + page.length, 0);
}

describe('an outbox', () => {
  it('owns its bytes: what the caller changes afterwards does not matter', () => {
    const outbox = new Outbox();
    for (const length of [3, 100, 20_000]) {
      const bytes = payloadOf(padded('abc', length));
      const message = outbox.append(Kind.EVENT, bytes, 0, bytes.length, 0, 1);
      bytes.fill(0);
      expect(textOf(message)?.slice(0, 3)).toBe('abc');
    }
  });

  it('takes a part of larger bytes, and leaves room for a header before each message', () => {
    const outbox = new Outbox();
    const bytes = payloadOf('--hello--');
    const first = outbox.append(Kind.EVENT, bytes, 2, 7, 0, 1);
    const second = outbox.append(Kind.EVENT, bytes, 2, 7, 0, 2);
    expect([textOf(first), textOf(second)]).toEqual(['hello', 'hello']);
    expect(first.start).toBeGreaterThanOrEqual(HEADER_BYTES);
    expect(second.page).toBe(first.page);
    expect(second.start - first.end).toBe(HEADER_BYTES);
  });

  it('numbers what waits in order, from 1, and finds it by its seq until it is released', () => {
    const outbox = new Outbox();
    for (const name of ['a', 'b', 'c']) append(outbox, name);
    expect([textOf(outbox.number()), textOf(outbox.number())]).toEqual(['a', 'b']);
    expect(outbox.sent).toBe(2);
    expect([textOf(outbox.withSeq(1)), textOf(outbox.withSeq(2)), outbox.withSeq(3)]).toEqual(['a', 'b', undefined]);
    outbox.releaseThrough(1);
    expect([outbox.withSeq(1), textOf(outbox.withSeq(2))]).toEqual([undefined, 'b']);
    outbox.number();
    expect(outbox.number()).toBeUndefined();
  });

  it('counts messages and payload bytes of what waits and what was written, without those taken back', () => {
    const outbox = new Outbox();
    append(outbox, 'four');
    const second = append(outbox, 'sixsix');
    append(outbox, 'x');
    outbox.number();
    expect([outbox.messages, outbox.bytes]).toEqual([3, 11]);
    outbox.cancel(second);
    outbox.cancel(second);
    expect([outbox.messages, outbox.bytes]).toEqual([2, 5]);
    outbox.releaseThrough(1);
    expect([outbox.messages, outbox.bytes]).toEqual([1, 1]);
  });

  it('skips what was taken back, wherever it stands', () => {
    const outbox = new Outbox();
    const messages = ['a', 'b', 'c', 'd', 'e'].map((name) => append(outbox, name));
    for (const index of [0, 2, 4]) {
      const message = messages[index];
      if (message !== undefined) outbox.cancel(message);
    }
    expect([textOf(outbox.number()), textOf(outbox.number()), outbox.number()]).toEqual(['b', 'd', undefined]);
    expect(outbox.waiting.at(0)).toBeUndefined();
  });

  it('hands back what was written when a new epoch starts, and begins its numbers again', () => {
    const outbox = new Outbox();
    for (const name of ['a', 'b', 'c', 'd']) append(outbox, name);
    for (let i = 0; i < 3; i += 1) outbox.number();
    outbox.releaseThrough(1);
    expect(outbox.takeWritten().map(textOf)).toEqual(['b', 'c']);
    expect([outbox.sent, outbox.released, outbox.messages, outbox.bytes]).toEqual([0, 0, 1, 1]);
    expect([textOf(outbox.number()), outbox.sent]).toEqual(['d', 1]);
  });

  it('hands back what waits between two ordinals, and keeps the rest in order', () => {
    const outbox = new Outbox();
    const messages = ['a', 'b', 'c', 'd', 'e'].map((name) => append(outbox, name));
    const [first, , third, fourth] = messages;
    if (third !== undefined) outbox.cancel(third);
    const taken = outbox.takeWaiting(first?.ordinal ?? 0, fourth?.ordinal ?? 0);
    expect(taken.map(textOf)).toEqual(['b', 'd']);
    expect(textsOf(outbox.waiting)).toEqual(['a', 'e']);
    expect([outbox.messages, outbox.bytes]).toEqual([2, 2]);
  });

  it('puts a copy of an older message first, on a page of the new epoch', () => {
    const outbox = new Outbox();
    append(outbox, 'old');
    const written = outbox.number();
    const [old] = outbox.takeWritten();
    append(outbox, 'new');
    if (old !== undefined) outbox.prepend(old);
    expect(textsOf(outbox.waiting)).toEqual(['old', 'new']);
    expect(outbox.waiting.at(0)?.ordinal).toBe(written?.ordinal);
    expect(outbox.waiting.at(0)).not.toBe(old);
  });
});

describe('the memory of an outbox', () => {
  it('grows with the messages, a page for few, larger pages for many', () => {
    const outbox = new Outbox();
    append(outbox, 'a');
    expect(bytesHeld(outbox)).toBeLessThanOrEqual(512);
    for (let i = 0; i < 10_000; i += 1) append(outbox, padded('m', 100));
    expect(bytesHeld(outbox)).toBeLessThan(10_000 * 116 * 1.2);
  });

  it('is not wasted by small messages between large ones', () => {
    for (const large of [20_000, 65_536]) {
      const outbox = new Outbox();
      for (let i = 0; i < 100; i += 1) {
        append(outbox, padded('large', large));
        append(outbox, 'small');
      }
      expect(bytesHeld(outbox)).toBeLessThan(100 * (large + 100) * 1.1);
    }
  });

  it('is not held by messages that were taken back, in places or in pages', () => {
    const outbox = new Outbox();
    for (let i = 0; i < 200; i += 1) {
      append(outbox, `kept ${i}`);
      for (let j = 0; j < 100; j += 1) outbox.cancel(append(outbox, padded('taken back', 200)));
    }
    expect(outbox.messages).toBe(200);
    expect(outbox.waiting.length).toBeLessThan(500);
    expect(bytesHeld(outbox)).toBeLessThan(200_000);
    expect(textsOf(outbox.waiting).filter((text) => text?.startsWith('kept'))).toEqual(
      Array.from({ length: 200 }, (_, i) => `kept ${i}`),
    );
  });

  it('is given back, if it is large, when everything is released or taken: the next message gets a new page', () => {
    const pageOfNext = (empty: (outbox: Outbox) => void): boolean => {
      const outbox = new Outbox();
      append(outbox, 'x'.repeat(4_000));
      const { page } = append(outbox, 'x'.repeat(4_000));
      empty(outbox);
      return append(outbox, 'b').page === page;
    };
    expect(pageOfNext((outbox) => (outbox.number(), outbox.number(), outbox.releaseThrough(2)))).toBe(false);
    expect(pageOfNext((outbox) => (outbox.number(), outbox.number(), outbox.takeWritten()))).toBe(false);
    expect(pageOfNext((outbox) => void outbox.takeWaiting(-1, Infinity))).toBe(false);
  });

  it('is kept, if it is small, while one message at a time goes through it, and gives it back when it is trimmed', () => {
    const outbox = new Outbox();
    const { page } = append(outbox, 'a');
    outbox.trim();
    outbox.number();
    outbox.releaseThrough(1);
    expect(append(outbox, 'b').page).toBe(page);
    outbox.number();
    outbox.releaseThrough(2);
    outbox.trim();
    expect(append(outbox, 'c').page).not.toBe(page);
  });
});
