import { describe, expect, it } from 'vitest';
import { type Delivered, GroupSender, type Sent } from '../../../src/actors/group-sender.ts';
import { HELD_MESSAGES_MAX, type Slot, claim, isOpen } from '../../../src/actors/held-slots.ts';
import type { GroupMessage, Note } from '../../../src/actors/notes.ts';
import { ALL, selectionOf } from '../../../src/actors/selection.ts';
import type { HomingError } from '../../../src/errors.ts';
import { VirtualClock } from '../../../src/testing/virtual-clock.ts';
import { thrownBy } from '../../loopback/world.ts';

const OWN = 0;
const nobody: Delivered = { accepted: 0, refused: 0, isClaimed: false };

/** A sender whose own sessions and other places a test plays. */
class Desk {
  readonly clock = new VirtualClock();
  readonly posted: (Note & { readonly to: number })[] = [];
  readonly dropped: number[] = [];
  readonly told: string[] = [];
  /** What the sends came to. */
  readonly sent: (Sent | undefined)[] = [];
  places: number[];
  /** What the sessions of this thread make of the next sends. */
  own: Delivered = nobody;
  readonly sender: GroupSender;

  constructor(...places: number[]) {
    this.places = places;
    this.sender = new GroupSender(this.clock, {
      place: OWN,
      places: () => this.places,
      post: (to, note) => void this.posted.push({ to, ...note }),
      deliver: (_message, slot) => {
        const isClaimed = slot !== undefined && this.own.accepted + this.own.refused > 0 && claim(slot, OWN);
        return { ...this.own, isClaimed };
      },
      drop: ({ index }) => void this.dropped.push(index),
    });
  }

  /** Sends; what it comes to is written down in `sent`. */
  send(holdMs?: number, message: Partial<GroupMessage> = {}): Sent | undefined {
    const whole = { selection: ALL, except: undefined, payload: new Uint8Array(10), from: 's-1', ...message };
    const sent = this.sender.send(whole, holdMs, (error: HomingError) => void this.told.push(error.code));
    const at = this.sent.push(undefined) - 1;
    void Promise.resolve(sent).then((result) => (this.sent[at] = result));
    return sent instanceof Promise ? undefined : sent;
  }

  /** The notes of this type, oldest first. */
  notes<Type extends Note['type']>(type: Type) {
    return this.posted.filter((note): note is Extract<Note, { type: Type }> & { to: number } => note.type === type);
  }

  /** The slot of the send that was posted last. */
  get slot(): Slot {
    const slot = this.notes('send').at(-1)?.slot;
    if (slot === undefined) throw new Error('expected a slot to cross');
    return slot;
  }

  /** A place answers the send posted last; where it has sessions it claims, as a shard does. */
  answer(place: number, accepted: number, refused = 0): void {
    const note = this.notes('send').findLast(({ to }) => to === place);
    if (note === undefined) throw new Error(`expected a send to place ${place}`);
    const isClaimed = note.slot !== undefined && accepted + refused > 0 && claim(note.slot, place);
    this.sender.sent(place, { type: 'sent', number: note.number, accepted, refused, isClaimed });
  }

  /** A copy in a place has found a session; `say` is false where the place ends before it says so. */
  match(place: number, { isRefused = false, say = true } = {}): void {
    const { slot } = this;
    expect(claim(slot, place)).toBe(true);
    if (say) this.sender.claimed({ type: 'claimed', index: slot.index, ticket: slot.ticket, isRefused });
  }

  /** Lets promises settle, and time pass. */
  async pass(ms = 0): Promise<void> {
    const endMs = this.clock.now() + ms;
    while (this.clock.nextMs <= endMs) this.clock.take()?.fire();
    this.clock.pass(endMs);
    await Promise.resolve();
    await Promise.resolve();
  }

  expectNothingLeft(): void {
    expect([this.sender.heldCount, this.sender.pendingCount, this.clock.pendingCount]).toEqual([0, 0, 0]);
  }
}

const none: Sent = { accepted: 0, refused: 0, held: 0 };

describe('a send', () => {
  it('without other places is answered at once', () => {
    const desk = new Desk();
    desk.own = { accepted: 3, refused: 1, isClaimed: false };
    expect(desk.send()).toEqual({ accepted: 3, refused: 1, held: 0 });
    desk.expectNothingLeft();
  });

  it('sums what all places answer', async () => {
    const desk = new Desk(1, 2);
    desk.own = { accepted: 1, refused: 0, isClaimed: false };
    desk.send();
    desk.answer(1, 2, 1);
    await desk.pass();
    expect([desk.sent, desk.sender.pendingCount]).toEqual([[undefined], 1]);
    desk.answer(2, 0, 3);
    await desk.pass();
    expect(desk.sent).toEqual([{ accepted: 3, refused: 4, held: 0 }]);
    desk.expectNothingLeft();
  });

  it('does not wait for a place that is gone, nor for one that came later', async () => {
    const desk = new Desk(1, 2);
    desk.send();
    desk.answer(1, 2);
    desk.places = [1, 3];
    desk.sender.met(3);
    desk.sender.lost(2);
    await desk.pass();
    expect(desk.sent).toEqual([{ accepted: 2, refused: 0, held: 0 }]);
    expect(desk.notes('hold')).toEqual([]);
    desk.expectNothingLeft();
  });

  it('takes one answer of each place, and none of a stranger or to nothing', async () => {
    const desk = new Desk(1, 2);
    desk.send();
    desk.answer(1, 2);
    desk.sender.sent(2, { type: 'sent', number: 99, accepted: 5, refused: 5, isClaimed: false });
    await desk.pass();
    expect(desk.sent).toEqual([undefined]);
    desk.answer(2, 0);
    desk.answer(2, 7);
    await desk.pass();
    expect(desk.sent).toEqual([{ accepted: 2, refused: 0, held: 0 }]);
  });

  it('is refused beyond 10,000 that are on their way, and taken again when some are answered', async () => {
    const desk = new Desk(1);
    for (let count = 0; count < 10_000; count += 1) desk.send();
    expect(thrownBy(() => desk.send())).toMatchObject({ code: 'OutboxFull' });
    desk.answer(1, 1);
    desk.send();
    expect(desk.sender.pendingCount).toBe(10_000);
    desk.sender.lost(1);
    await desk.pass();
    desk.expectNothingLeft();
  });

  it('is refused beyond 16 MiB on their way, whether payloads or selectors are long', async () => {
    const long = 'x'.repeat(1_048_576);
    const shapes: Partial<GroupMessage>[] = [
      { payload: new Uint8Array(1_048_576) },
      { selection: { type: 'id', id: long } },
      { selection: { type: 'values', values: [['key', long]] } },
      { selection: { type: 'values', values: [[long, 1]] } },
      { except: long },
    ];
    for (const shape of shapes) {
      const desk = new Desk(1);
      let count = 0;
      const fill = (): void => {
        for (; count < 100; count += 1) desk.send(undefined, shape);
      };
      expect(thrownBy(fill)).toMatchObject({ code: 'OutboxFull' });
      expect([15, 16]).toContain(count);
      desk.sender.lost(1);
      await desk.pass();
      desk.send(undefined, shape);
    }
  });

  it('after the end of the thread is refused, and those open then are answered', async () => {
    const desk = new Desk(1);
    desk.own = { accepted: 1, refused: 0, isClaimed: false };
    desk.send();
    desk.own = nobody;
    desk.send(1_000);
    const { slot } = desk;
    desk.sender.close();
    await desk.pass();
    expect(desk.sent).toEqual([{ accepted: 1, refused: 0, held: 0 }, none]);
    expect(isOpen(slot)).toBe(false);
    expect(thrownBy(() => desk.send())).toMatchObject({ code: 'Closed' });
    expect(thrownBy(() => desk.send(1_000))).toMatchObject({ code: 'Closed' });
    desk.answer(1, 1);
    desk.sender.lost(1);
    expect(desk.told).toEqual([]);
    desk.expectNothingLeft();
  });
});

describe('a message that is held when the thread ends', () => {
  it('is told to its sender, by the name of its event', async () => {
    const desk = new Desk(1);
    desk.own = nobody;
    desk.send(1_000);
    desk.answer(1, 0);
    await desk.pass();
    expect(desk.sent).toEqual([{ accepted: 0, refused: 0, held: 1 }]);
    desk.sender.close();
    expect(desk.told).toEqual(['HeldExpired']);
    expect(isOpen(desk.slot)).toBe(false);
    desk.expectNothingLeft();
  });
});

describe('a message that nobody matches', () => {
  it('is held once all have said so, and its sender is told when the time is over', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.answer(1, 0);
    await desk.pass(40);
    expect(desk.sent).toEqual([undefined]);
    desk.answer(2, 0);
    await desk.pass();
    expect(desk.sent).toEqual([{ accepted: 0, refused: 0, held: 1 }]);
    expect(desk.sender.heldCount).toBe(1);
    // The time counts from the send.
    await desk.pass(59);
    expect(desk.told).toEqual([]);
    await desk.pass(1);
    expect(desk.told).toEqual(['HeldExpired']);
    expect(isOpen(desk.slot)).toBe(false);
    expect(desk.notes('drop').map(({ to }) => to)).toEqual([1, 2]);
    expect(desk.dropped).toEqual([desk.slot.index]);
    desk.expectNothingLeft();
  });

  it('is not held where holdMs was not said', () => {
    const desk = new Desk();
    expect(desk.send()).toEqual(none);
    desk.expectNothingLeft();
  });

  it('ends in silence when somebody comes, and its copies are dropped everywhere', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.answer(1, 0);
    desk.answer(2, 0);
    desk.match(2);
    await desk.pass(200);
    expect(desk.told).toEqual([]);
    expect(desk.notes('drop').map(({ to }) => to)).toEqual([1, 2]);
    desk.expectNothingLeft();
  });

  it('that finds a full outbox is told as OutboxFull', async () => {
    const desk = new Desk(1);
    desk.send(100);
    desk.answer(1, 0);
    desk.match(1, { isRefused: true });
    await desk.pass(200);
    expect(desk.told).toEqual(['OutboxFull']);
    desk.expectNothingLeft();
  });

  it('is told as OutcomeUnknown when the shard that claimed it ends before it says so, once', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.answer(1, 0);
    desk.answer(2, 0);
    desk.match(1, { say: false });
    await desk.pass(200);
    expect([desk.told, desk.sender.heldCount]).toEqual([[], 1]);
    desk.places = [2];
    desk.sender.lost(2);
    expect(desk.told).toEqual([]);
    desk.sender.lost(1);
    desk.sender.lost(1);
    expect(desk.told).toEqual(['OutcomeUnknown']);
    desk.expectNothingLeft();
  });

  it('is brought to a place that comes later, in the order of the sends', async () => {
    const desk = new Desk();
    const bytes = [1, 2, 3].map((byte) => Uint8Array.of(byte));
    for (const payload of bytes) desk.send(1_000, { payload });
    desk.places = [4];
    desk.sender.met(4);
    expect(desk.notes('hold').map(({ message, to }) => [message.payload, to])).toEqual(bytes.map((each) => [each, 4]));
  });

  it('is not confused with the next one in the same cell', async () => {
    const desk = new Desk(1);
    desk.send(100);
    const first = desk.slot;
    desk.answer(1, 0);
    desk.match(1);
    desk.send(100);
    desk.answer(1, 0);
    expect(desk.slot.index).toBe(first.index);
    expect(claim(first, 1)).toBe(false);
    desk.sender.claimed({ type: 'claimed', index: first.index, ticket: first.ticket, isRefused: true });
    expect([desk.sender.heldCount, desk.told]).toEqual([1, []]);
  });

  it('is refused beyond 1,000 that are held, or 1 MiB of them, and taken again when some are gone', async () => {
    const many = new Desk();
    for (let count = 0; count < HELD_MESSAGES_MAX; count += 1) expect(many.send(50)).toMatchObject({ held: 1 });
    for (let count = 0; count < 9_000; count += 1) expect(thrownBy(() => many.send(50)).code).toBe('OutboxFull');
    expect(many.send()).toEqual(none);
    await many.pass(50);
    expect(many.told).toHaveLength(HELD_MESSAGES_MAX);
    many.expectNothingLeft();
    expect(many.send(50)).toMatchObject({ held: 1 });

    const long = 'x'.repeat(300_000);
    for (const shape of [
      { payload: new Uint8Array(300_000) },
      { selection: selectionOf(long) },
      { selection: selectionOf({ room: long }) },
      { except: long },
    ]) {
      const large = new Desk();
      for (let count = 0; count < 3; count += 1) large.send(50, shape);
      expect(thrownBy(() => large.send(50, shape))).toMatchObject({ code: 'OutboxFull' });
      await large.pass(50);
      large.send(50, shape);
      expect(large.sender.heldCount).toBe(1);
    }
  });
});

describe('a message with a hold that somebody matches', () => {
  it('in this thread is held nowhere', async () => {
    const desk = new Desk(1);
    desk.own = { accepted: 1, refused: 0, isClaimed: false };
    desk.send(100);
    expect(desk.notes('send').map(({ slot }) => slot)).toEqual([undefined]);
    desk.answer(1, 2);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[{ accepted: 3, refused: 0, held: 0 }], []]);
    desk.expectNothingLeft();
  });

  it('in one place is for nobody who comes later in another', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.answer(2, 0);
    desk.answer(1, 1);
    expect(isOpen(desk.slot)).toBe(false);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[{ accepted: 1, refused: 0, held: 0 }], []]);
    expect(desk.notes('drop').map(({ to }) => to)).toEqual([1, 2]);
    desk.expectNothingLeft();
  });

  it('with a full outbox only is refused, not held', async () => {
    const desk = new Desk(1);
    desk.send(100);
    desk.answer(1, 0, 1);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[{ accepted: 0, refused: 1, held: 0 }], []]);
    desk.expectNothingLeft();
  });

  it.each([
    [false, { accepted: 1, refused: 0, held: 0 }],
    [true, { accepted: 0, refused: 1, held: 0 }],
  ])('while the others are still asked counts as one of them (refused: %s)', async (isRefused, sent) => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.answer(1, 0);
    desk.match(1, { isRefused });
    await desk.pass();
    expect(desk.sent).toEqual([undefined]);
    desk.answer(2, 0);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[sent], []]);
    desk.expectNothingLeft();
  });

  it('by a copy counts beside those whom it reached directly', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.answer(1, 0);
    desk.match(1);
    desk.answer(2, 2);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[{ accepted: 3, refused: 0, held: 0 }], []]);
    desk.expectNothingLeft();
  });

  it('is not answered before the place that claimed it has said to what end', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.match(1, { say: false });
    desk.answer(1, 0);
    desk.answer(2, 0);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[undefined], []]);
    const { index, ticket } = desk.slot;
    desk.sender.claimed({ type: 'claimed', index, ticket, isRefused: true });
    await desk.pass();
    expect([desk.sent, desk.told]).toEqual([[{ accepted: 0, refused: 1, held: 0 }], []]);
    desk.expectNothingLeft();
  });

  it('in a shard that ends before it says so is not given to another, and its sender is told', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.match(1, { say: false });
    desk.answer(2, 0);
    desk.places = [2];
    desk.sender.lost(1);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[none], ['OutcomeUnknown']]);
    desk.expectNothingLeft();
  });

  it('in a shard that ends, and in others too, was not lost', async () => {
    const desk = new Desk(1, 2);
    desk.send(100);
    desk.match(1, { say: false });
    desk.sender.lost(1);
    desk.answer(2, 1);
    await desk.pass(200);
    expect([desk.sent, desk.told]).toEqual([[{ accepted: 1, refused: 0, held: 0 }], []]);
    desk.expectNothingLeft();
  });
});
