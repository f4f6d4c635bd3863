/**
 * What every line keeps, whatever carries its bytes: one suite, run by each transport. A transport gives pairs of lines that
 * are joined and a way to break them; each test runs for both ends, the one that dials and the one that accepts.
 */
import { describe, expect, test } from 'vitest';
import type { Dial, Line, LineEnds, LineEvents } from '../../src/actors/ports.ts';
import { Draws } from '../../src/testing/draws.ts';
import { nextTick, until } from '../loopback/world.ts';

/** Two ends that will be joined. */
export interface LinePair extends AsyncDisposable {
  readonly dialling: Dial;
  /** The other end, once the first has been dialled. */
  accepting(): Promise<Dial>;
  /** Breaks what is between the lines once both are open, as a network would: no goodbye. */
  cut(): void;
}

/** What differs between transports and is no fault. */
export interface LineTraits {
  /** Whether both ends are told an error by a cut; else they only see an end. */
  readonly cutIsError: boolean;
  /** A relay cannot tell a cut from a goodbye, which comes behind what a paused reader has not read. */
  readonly keepsCutWhilePaused?: boolean;
  /** What the ends of each line look like, for `toMatchObject`. */
  readonly diallingEnds: Partial<LineEnds>;
  readonly acceptingEnds: Partial<LineEnds>;
}

type Role = 'dialling' | 'accepting';

/** Runs the suite for one transport. */
export function lineContract(name: string, traits: LineTraits, makePair: () => Promise<LinePair>): void {
  describe.each<Role>(['dialling', 'accepting'])(`a line over ${name}, the %s end`, (role) => {
    test('opens once, later than the dial, and then knows its ends', async () => {
      await using joined = await join(makePair, role);
      await joined.echo();
      expect(joined.subject.told).toEqual(['opened']);
      expect(joined.peer.told).toEqual(['opened']);
      const { ends } = joined.subject.line;
      expect(ends).toMatchObject(role === 'dialling' ? traits.diallingEnds : traits.acceptingEnds);
      expect(structuredClone(ends)).toEqual({ ...ends });
    });

    test('carries any bytes in any pieces, whole and in order, both ways at once', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      const sent = [new Flow(subject, 1, 3_000_000), new Flow(peer, 2, 2_000_000)] as const;
      await Promise.all(sent.map((flow) => flow.run()));
      await until(() => peer.byteCount >= 3_000_000 && subject.byteCount >= 2_000_000, 'all bytes');
      expect(peer.bytes().equals(sent[0].bytes())).toBe(true);
      expect(subject.bytes().equals(sent[1].bytes())).toBe(true);
      expect([subject.told, peer.told]).toEqual([['opened'], ['opened']]);
    });

    test('never hears bytes inside its own write', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      peer.answer = (chunk) => void peer.line.write([chunk]);
      for (let round = 1; round <= 20; round += 1) {
        subject.write(Uint8Array.of(round));
        await until(() => subject.byteCount === round, 'the echo');
      }
      expect(subject.heardInside).toBe(0);
      expect([...subject.bytes()]).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    });

    test('that takes no more says so, keeps what it was given, and says when there is room', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      peer.line.pause(true);
      const block = new Uint8Array(262_144);
      let count = 1;
      for (; subject.write(block.fill(count).slice()); count += 1) {
        if (count > 250) throw new Error('expected the line to be full within 64 MiB');
        await nextTick();
      }
      const heard = peer.byteCount;
      expect(subject.drainCount).toBe(0);
      peer.line.pause(false);
      await until(() => subject.drainCount === 1 && peer.byteCount === count * block.length, 'room');
      expect(heard).toBeLessThan(count * block.length);
      const bytes = peer.bytes();
      for (let index = 0; index < count; index += 1) expect(bytes[index * block.length]).toBe((index + 1) % 256);
      expect(subject.write(Uint8Array.of(1))).toBe(true);
      await joined.echo();
      expect(subject.drainCount).toBe(1);
    });

    test('that says goodbye sends what was written before it, and hears nothing more', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      const flow = new Flow(subject, 3, 2_000_000);
      flow.pour();
      subject.line.end();
      peer.write(Uint8Array.of(1, 2, 3));
      await until(() => peer.isClosed, 'the goodbye');
      expect(peer.bytes().equals(flow.bytes())).toBe(true);
      expect(peer.told).toEqual(['opened', 'closed']);
      await nextTick();
      expect([subject.told, subject.byteCount]).toEqual([['opened'], 0]);
    });

    test('that is paused says goodbye all the same', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      subject.line.pause(true);
      peer.write(new Uint8Array(100_000));
      subject.write(Uint8Array.of(7));
      subject.line.end();
      await until(() => peer.isClosed, 'the goodbye');
      expect([...peer.bytes()]).toEqual([7]);
      expect([subject.told, subject.byteCount]).toEqual([['opened'], 0]);
    });

    test('hears of the goodbye of its peer once, after the last byte', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      const flow = new Flow(peer, 4, 500_000);
      flow.pour();
      peer.line.end();
      await until(() => subject.isClosed, 'the end');
      expect(subject.bytes().equals(flow.bytes())).toBe(true);
      expect([subject.told, subject.error]).toEqual([['opened', 'closed'], undefined]);
      subject.poke();
      await nextTick();
      expect(subject.told).toEqual(['opened', 'closed']);
    });

    test('that is given up tells nothing more, and takes what is done to it', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      peer.write(new Uint8Array(100_000));
      subject.line.destroy();
      const { byteCount } = subject;
      subject.poke();
      await until(() => peer.isClosed, 'the end at the peer');
      await nextTick();
      expect([subject.told, subject.byteCount]).toEqual([['opened'], byteCount]);
      expect(peer.told).toEqual(['opened', 'closed']);
    });

    test('whose peer is given up in the middle of its bytes is closed once', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      const flow = new Flow(subject, 5, 4_000_000);
      flow.pour();
      await until(() => peer.byteCount > 0, 'the first bytes');
      peer.line.destroy();
      await until(() => subject.isClosed, 'the end');
      expect(subject.write(Uint8Array.of(1))).toBe(true);
      await nextTick();
      expect(subject.told).toEqual(['opened', 'closed']);
    });

    const keeps = traits.keepsCutWhilePaused === true && role === 'accepting';
    test.each(keeps ? ['reads'] : ['reads', 'is paused'])('that %s is told once that it was cut', async (how) => {
      await using joined = await join(makePair, role);
      const { subject } = joined;
      await joined.echo();
      if (how === 'is paused') subject.line.pause(true);
      joined.cut();
      await until(() => subject.isClosed, 'the end');
      subject.poke();
      await nextTick();
      expect(subject.told).toEqual(['opened', 'closed']);
      if (traits.cutIsError) expect(subject.error).toBeInstanceOf(Error);
    });

    test('hears nothing while it is paused, and everything afterwards', async () => {
      await using joined = await join(makePair, role);
      const { subject, peer } = joined;
      await joined.echo();
      for (let round = 1; round <= 5; round += 1) {
        const heard = subject.byteCount;
        subject.line.pause(true);
        const flow = new Flow(peer, 5 + round, 200_000);
        flow.pour();
        // What the other direction carries goes on, and is behind these bytes in time.
        await joined.oneWay();
        expect(subject.byteCount).toBe(heard);
        subject.line.pause(false);
        await until(() => subject.byteCount === heard + 200_000, 'the rest');
        expect(subject.bytes().subarray(heard).equals(flow.bytes())).toBe(true);
      }
    });

    test('that was paused before it opened opens, and hears nothing until it goes on', async () => {
      await using joined = await join(makePair, role, (line) => line.pause(true));
      const { subject, peer } = joined;
      peer.write(Uint8Array.of(1, 2));
      await joined.oneWay();
      expect([subject.told, subject.byteCount]).toEqual([['opened'], 0]);
      subject.line.pause(false);
      await until(() => subject.byteCount === 2, 'the bytes');
    });

    test('that is given up before it opened never opens', async () => {
      await using pair = await makePair();
      const first = new End(pair.dialling, role === 'dialling' ? (line) => line.destroy() : undefined);
      if (role === 'accepting') {
        const second = new End(await pair.accepting(), (line) => line.destroy());
        await until(() => first.isClosed, 'the end at the peer');
        expect(second.told).toEqual([]);
        return;
      }
      await nextTick();
      await nextTick();
      expect(first.told).toEqual([]);
    });
  });
}

/** Writes down what a line tells, and checks on the way what must never be. */
class End implements LineEvents {
  readonly line: Line;
  readonly told: string[] = [];
  drainCount = 0;
  byteCount = 0;
  heardInside = 0;
  error: Error | undefined;
  /** What it does with bytes beside keeping them. */
  answer: (chunk: Uint8Array) => void = () => {};
  readonly #chunks: Uint8Array[] = [];
  readonly #faults: string[] = [];
  #isDialling = true;
  #isWriting = false;
  #isFull = false;

  constructor(dial: Dial, before: (line: Line) => void = () => {}) {
    this.line = dial(this);
    this.#isDialling = false;
    before(this.line);
  }

  get isOpen(): boolean {
    return this.told[0] === 'opened';
  }

  get isClosed(): boolean {
    return this.told.at(-1) === 'closed';
  }

  /** What was told at a time when it must not be. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  opened(): void {
    if (this.#isDialling) this.#faults.push('opened inside the dial');
    this.#tell('opened');
  }

  received(chunk: Uint8Array): void {
    if (!this.isOpen || this.isClosed) this.#faults.push('bytes outside of its life');
    if (Buffer.isBuffer(chunk)) this.#faults.push('a Buffer');
    if (this.#isWriting) this.heardInside += 1;
    const kept = chunk.slice();
    this.#chunks.push(kept);
    this.byteCount += chunk.length;
    this.answer(kept);
  }

  drained(): void {
    if (!this.#isFull) this.#faults.push('drained without having been full');
    if (this.isClosed) this.#faults.push('drained after its end');
    this.#isFull = false;
    this.drainCount += 1;
  }

  closed(error: Error | undefined): void {
    if (this.#isDialling) this.#faults.push('closed inside the dial');
    this.error = error;
    this.#tell('closed');
  }

  write(...parts: Uint8Array[]): boolean {
    this.#isWriting = true;
    const hasRoom = this.line.write(parts);
    this.#isWriting = false;
    if (!hasRoom) this.#isFull = true;
    return hasRoom;
  }

  /** Everything one can do to a line that is gone. */
  poke(): void {
    expect(this.line.write([Uint8Array.of(1)])).toBe(true);
    this.line.pause(true);
    this.line.pause(false);
    this.line.ref(false);
    this.line.ref(true);
    this.line.destroy();
    this.line.destroy();
  }

  bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  #tell(name: string): void {
    this.told.push(name);
  }
}

/** Bytes by chance, in pieces by chance: empty ones, single bytes, large ones, several at a time. */
class Flow {
  readonly #end: End;
  readonly #parts: Uint8Array[] = [];
  readonly #draws: Draws;

  constructor(end: End, seed: number, byteCount: number) {
    this.#end = end;
    this.#draws = new Draws(seed, 'pieces');
    const bytes = new Draws(seed, 'bytes').bytes(byteCount);
    for (let start = 0; start < byteCount;) {
      const length = this.#lengthOfPart();
      this.#parts.push(bytes.slice(start, start + length));
      start += length;
    }
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  /** Writes at once, whether there is room or not. */
  pour(): void {
    this.#end.write(...this.#parts);
  }

  /** Writes as a session does: after a write that returned false it waits. */
  async run(): Promise<void> {
    for (let next = 0; next < this.#parts.length;) {
      const count = 1 + this.#draws.below(20);
      const { drainCount } = this.#end;
      const hasRoom = this.#end.write(...this.#parts.slice(next, next + count));
      next += count;
      if (!hasRoom) await until(() => this.#end.drainCount > drainCount, 'room');
      else if (this.#draws.below(10) === 0) await nextTick();
    }
  }

  #lengthOfPart(): number {
    const kind = this.#draws.below(20);
    if (kind === 0) return 0;
    if (kind < 8) return 1 + this.#draws.below(10);
    if (kind < 19) return 1 + this.#draws.below(5_000);
    return 1 + this.#draws.below(200_000);
  }
}

/** Both ends of a pair, open. */
class Joined implements AsyncDisposable {
  readonly subject: End;
  readonly peer: End;
  readonly #pair: LinePair;

  constructor(pair: LinePair, subject: End, peer: End) {
    this.#pair = pair;
    this.subject = subject;
    this.peer = peer;
  }

  cut(): void {
    this.#pair.cut();
  }

  /** A byte to the peer and one back: both ends have had time for whatever was on its way. */
  async echo(): Promise<void> {
    await this.oneWay();
    const { byteCount } = this.subject;
    this.peer.write(Uint8Array.of(0));
    await until(() => this.subject.byteCount > byteCount, 'an answer');
  }

  async oneWay(): Promise<void> {
    const { byteCount } = this.peer;
    this.subject.write(Uint8Array.of(0));
    await until(() => this.peer.byteCount > byteCount, 'a byte');
    await nextTick();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.subject.line.destroy();
    this.peer.line.destroy();
    await this.#pair[Symbol.asyncDispose]();
    expect([this.subject.faults, this.peer.faults]).toEqual([[], []]);
  }
}

async function join(
  makePair: () => Promise<LinePair>,
  role: Role,
  before: (line: Line) => void = () => {},
): Promise<Joined> {
  const pair = await makePair();
  const isDialling = role === 'dialling';
  const near = new End(pair.dialling, isDialling ? before : undefined);
  const far = new End(await pair.accepting(), isDialling ? undefined : before);
  await until(() => near.isOpen && far.isOpen, 'both ends to open');
  return isDialling ? new Joined(pair, near, far) : new Joined(pair, far, near);
}
