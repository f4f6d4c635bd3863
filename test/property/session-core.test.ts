/**
 * The laws of the session core: two real ends over a line that may be cut at any byte, at any step, and joined again.
 * The model is three lists: what was accepted, what was taken back, what was handled.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Kind } from '../../src/wire/frame.ts';
import { type End, Pair, type PairOptions, padded } from '../unit/session/pair.ts';

type Side = 'client' | 'server';

type Command =
  | { readonly type: 'send' | 'deliver' | 'call'; readonly side: Side; readonly bytes: number }
  | { readonly type: 'work'; readonly side: Side; readonly count: number }
  | { readonly type: 'pump'; readonly side: Side; readonly bytesMax: number }
  | { readonly type: 'carry'; readonly side: Side; readonly count: number; readonly pieceBytes: number }
  | { readonly type: 'giveUp'; readonly side: Side; readonly nth: number }
  | { readonly type: 'flush' | 'writable'; readonly side: Side }
  | { readonly type: 'advance'; readonly ms: number }
  | { readonly type: 'cut' }
  | { readonly type: 'join'; readonly isLate: boolean }
  | { readonly type: 'renew'; readonly knowsCursor: boolean; readonly resend: boolean; readonly discard: boolean };

const LARGEST = 300_000;
const side = fc.constantFrom<Side>('client', 'server');
const bytes = fc.oneof(
  { weight: 12, arbitrary: fc.integer({ min: 8, max: 60 }) },
  { weight: 2, arbitrary: fc.integer({ min: 60, max: 3_000 }) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 65_537, 131_072, 131_073, LARGEST) },
);
const send = fc.record({ type: fc.constantFrom('send', 'deliver', 'call'), side, bytes });
const work = fc.record({ type: fc.constant('work'), side, count: fc.integer({ min: 1, max: 9 }) });
const pump = fc.record({ type: fc.constant('pump'), side, bytesMax: fc.constantFrom(1, 60, 700, 70_000, 262_144) });
const carry = fc.record({
  type: fc.constant('carry'),
  side,
  count: fc.oneof(fc.integer({ min: 1, max: 300 }), fc.constantFrom(5_000, 66_000, 400_000)),
  pieceBytes: fc.constantFrom(13, 1_000, 70_000),
});
const giveUp = fc.record({ type: fc.constant('giveUp'), side, nth: fc.nat(20) });
const wait = fc.record({ type: fc.constantFrom('flush', 'writable'), side });
const advance = fc.record({ type: fc.constant('advance'), ms: fc.constantFrom(1, 20, 60) });
const cut = fc.record({ type: fc.constant('cut') });
const join = fc.record({ type: fc.constant('join'), isLate: fc.boolean() });
const renew = fc.record({
  type: fc.constant('renew'),
  knowsCursor: fc.boolean(),
  resend: fc.boolean(),
  discard: fc.boolean(),
});

const lineCommands = [
  { weight: 8, arbitrary: send },
  { weight: 5, arbitrary: work },
  { weight: 9, arbitrary: pump },
  { weight: 9, arbitrary: carry },
  { weight: 1, arbitrary: giveUp },
  { weight: 2, arbitrary: wait },
  { weight: 2, arbitrary: advance },
  { weight: 1, arbitrary: cut },
  { weight: 3, arbitrary: join },
];

const commandsOf = (extra: readonly { weight: number; arbitrary: fc.Arbitrary<unknown> }[]): fc.Arbitrary<Command[]> =>
  fc.array(fc.oneof(...lineCommands, ...extra) as fc.Arbitrary<Command>, { maxLength: 90, size: 'max' });

const limits = fc.record({
  outboxMessages: fc.constantFrom(1, 3, 20, 1_000),
  outboxBytes: fc.constantFrom(50, 1_000, 1_000_000),
  mailboxMessages: fc.constantFrom(1, 2, 5, 64),
  mailboxBytes: fc.constantFrom(40, 500, 100_000, 1_000_000),
});
const options = fc.record({
  client: fc.record({ limits }),
  server: fc.record({ limits }),
  checksum: fc.boolean(),
}) as fc.Arbitrary<PairOptions>;

/** What the model knows of one end: texts in the order of acceptance, and who waits for what. */
class Ledger {
  readonly accepted: string[] = [];
  readonly takenBack = new Set<string>();
  readonly tokens = new Map<number, string>();
  readonly flushes = new Map<number, number>();
  readonly settled = new Set<number>();
}

/** Runs commands on a pair and compares it with the ledgers at every step. */
class World {
  readonly pair: Pair;
  readonly ledgers: Record<Side, Ledger> = { client: new Ledger(), server: new Ledger() };
  #names = 0;
  #tokens = 0;
  protected readonly outputsSeen: Record<Side, number> = { client: 0, server: 0 };

  constructor(pairOptions: PairOptions) {
    this.pair = new Pair(pairOptions);
    this.pair.connect();
  }

  run(command: Command): void {
    const { pair } = this;
    switch (command.type) {
      case 'send':
      case 'deliver':
      case 'call':
        this.#accept(command.type, command.side, command.bytes);
        break;
      case 'work':
        pair[command.side].work(pair.nowMs, command.count);
        break;
      case 'pump':
        pair.pump(pair[command.side], command.bytesMax);
        break;
      case 'carry':
        pair.carry(pair[command.side], command.count, command.pieceBytes);
        break;
      case 'giveUp':
        this.#giveUp(command.side, command.nth);
        break;
      case 'flush':
        this.#flush(command.side);
        break;
      case 'writable':
        pair[command.side].session.outlet.wantWritable();
        break;
      case 'advance':
        pair.advance(command.ms);
        break;
      case 'cut':
        pair.cut();
        break;
      case 'join':
        this.#join(command.isLate);
        break;
      case 'renew':
        break;
    }
    this.check();
  }

  /** Heals the line: everything comes to rest. */
  heal(): void {
    const { pair } = this;
    if (!pair.isUp) pair.connect();
    pair.settle();
    this.check();
    for (const end of [pair.client, pair.server]) {
      expect(end.isIdle).toBe(true);
      expect(end.session.deadlineMs).toBeGreaterThan(pair.nowMs);
      expect(end.session.mailboxBytes).toBe(0);
    }
    for (const name of ['client', 'server'] as const) {
      const { tokens, flushes, settled } = this.ledgers[name];
      for (const token of [...tokens.keys(), ...flushes.keys()]) expect(settled).toContain(token);
    }
  }

  check(): void {
    const { client, server } = this.pair;
    const parting = client.parting ?? server.parting;
    must(parting === undefined, `no end finds fault with the other: ${parting?.code} ${parting?.reason}`);
    for (const [sender, receiver] of [
      [client, server],
      [server, client],
    ] as const) {
      must(sender.session.outlet.ordered.released <= receiver.session.cursor, 'nothing unprocessed is released');
      checkBounds(sender);
    }
    this.readOutputs('client');
    this.readOutputs('server');
  }

  /** Every wait settles once; a flush not before the peer has handled what was accepted before it. */
  readOutputs(name: Side): void {
    const end = this.pair[name];
    const peer = name === 'client' ? this.pair.server : this.pair.client;
    const ledger = this.ledgers[name];
    end.takeOutputs();
    for (; this.outputsSeen[name] < end.outputs.length; this.outputsSeen[name] += 1) {
      const output = end.outputs[this.outputsSeen[name]];
      if (output === undefined || !('token' in output) || output.type === 'oversize') continue;
      const { token, type } = output;
      // Of a call that was given up.
      if (type === 'result' && token === 0) continue;
      must(!ledger.settled.has(token), `token ${token} settles once`);
      ledger.settled.add(token);
      const text = ledger.tokens.get(token);
      if (type === 'receipt')
        must(text !== undefined && peer.handled.includes(text), 'a receipt is of a handled message');
      if (type === 'result')
        must(
          text !== undefined && peer.started.includes(text),
          'a result that is awaited is of a call that was started',
        );
      if (type !== 'flushed') continue;
      const due = ledger.accepted.slice(0, ledger.flushes.get(token)).filter((each) => !ledger.takenBack.has(each));
      must(this.handledBy(name, due), 'a flush is answered when all before it are handled');
    }
  }

  /** Whether the peer has handled all these; a world with epochs cannot say so and knows better. */
  handledBy(name: Side, texts: readonly string[]): boolean {
    const { handled } = name === 'client' ? this.pair.server : this.pair.client;
    const seen = new Set(handled);
    return texts.every((text) => seen.has(text));
  }

  #accept(type: 'send' | 'deliver' | 'call', name: Side, size: number): void {
    this.#names += 1;
    const text = padded(`${name[0]}${this.#names}-`, size);
    const end = this.pair[name];
    const ledger = this.ledgers[name];
    if (type === 'send') {
      if (!end.send(text)) return;
    } else {
      this.#tokens += 1;
      ledger.tokens.set(this.#tokens, text);
      end[type](text, this.#tokens);
    }
    ledger.accepted.push(text);
  }

  #giveUp(name: Side, nth: number): void {
    const ledger = this.ledgers[name];
    const open = [...ledger.tokens, ...ledger.flushes].filter(([token]) => !ledger.settled.has(token));
    const [token, what] = open[nth] ?? [];
    if (token === undefined) return;
    const outcome = this.pair[name].session.outlet.giveUp(token);
    ledger.settled.add(token);
    if (outcome === 'never-sent' && typeof what === 'string') ledger.takenBack.add(what);
  }

  #flush(name: Side): void {
    this.#tokens += 1;
    const ledger = this.ledgers[name];
    ledger.flushes.set(this.#tokens, ledger.accepted.length);
    this.pair[name].session.outlet.flush(this.#tokens);
  }

  #join(isLate: boolean): void {
    const { pair } = this;
    const hello = pair.client.tell();
    if (isLate) {
      // The line has been given up by the client, while the server still reads what is in it, and handlers run.
      pair.carry(pair.server, 500);
      pair.client.work(pair.nowMs, 2);
    }
    pair.connect(isLate ? hello : pair.client.tell());
  }
}

/** Receipts and results that the peer has not been seen to receive; cancels are bounded by who gives up calls. */
function answersIn({ written, waiting }: End['session']['outlet']['direct']): number {
  let count = 0;
  for (const queue of [written, waiting]) {
    for (let index = 0; index < queue.length; index += 1) if (queue.at(index)?.kind !== Kind.CANCEL) count += 1;
  }
  return count;
}

function checkBounds(end: End): void {
  const { outboxMessages, outboxBytes, mailboxMessages, mailboxBytes } = end.limits;
  const { ordered, direct } = end.session.outlet;
  must(ordered.messages <= outboxMessages, 'the outbox keeps its bound of messages');
  must(ordered.messages <= 1 || ordered.bytes <= outboxBytes, 'the outbox keeps its bound of bytes');
  must(answersIn(direct) <= 2 * mailboxMessages, 'receipts and results are bounded by the credit');
  must(end.mailboxMessagesSeenMax <= mailboxMessages, 'the mailbox keeps its bound of messages');
  must(end.mailboxBytesSeenMax <= mailboxBytes + LARGEST, 'the mailbox keeps its bound of bytes');
  const { room } = end.session;
  must(room.messages <= 1 || room.bytes + room.oldBytes <= mailboxBytes, 'a large message stays alone');
}

/** An assertion that costs nothing while it holds: there are a thousand of them a run. */
function must(holds: boolean, law: string): void {
  if (!holds) throw new Error(`expected that ${law}`);
}

describe('two ends of a session', () => {
  it('every accepted message is handled once, in order, wherever the line is cut, and the ends come to rest', () => {
    fc.assert(
      fc.property(options, commandsOf([]), (pairOptions, commands) => {
        const world = new World(pairOptions);
        for (const command of commands) world.run(command);
        world.heal();
        const { client, server } = world.pair;
        for (const [name, receiver] of [
          ['client', server],
          ['server', client],
        ] as const) {
          const { accepted, takenBack } = world.ledgers[name];
          expect(receiver.handled).toEqual(accepted.filter((text) => !takenBack.has(text)));
          expect(new Set(receiver.started).size).toBe(receiver.started.length);
        }
      }),
      { numRuns: 1_500 },
    );
  });

  it('hold the same law when the line is cut at every single byte of a small exchange', () => {
    const exchange = (cutAt: number, direction: Side): void => {
      const pair = new Pair({ client: { limits: { mailboxMessages: 2 } } });
      pair.connect();
      pair.client.send('c1');
      pair.client.deliver('c2', 1);
      pair.server.deliver('s1', 2);
      pair.server.send('s2');
      pair.server.send('s3');
      pair.client.session.outlet.flush(3);
      let left = cutAt;
      for (let round = 0; round < 6; round += 1) {
        for (const end of [pair.client, pair.server]) {
          pair.pump(end);
          const reader = end === pair.client ? pair.server : pair.client;
          const isCounted = reader === pair[direction];
          const carried = pair.carry(reader, isCounted ? left : Infinity);
          if (isCounted) left -= carried;
          reader.work(pair.nowMs);
        }
        pair.advance(50);
        if (left === 0) break;
      }
      pair.connect();
      pair.settle();
      expect(pair.server.handled).toEqual(['c1', 'c2']);
      expect(pair.client.handled).toEqual(['s1', 's2', 's3']);
      expect([pair.client.receipts, pair.server.receipts]).toEqual([[[1, 0]], [[2, 0]]]);
      expect(pair.client.flushed).toEqual([3]);
      expect([pair.client.parting, pair.server.parting]).toEqual([undefined, undefined]);
      expect([pair.client.isIdle, pair.server.isIdle]).toEqual([true, true]);
    };
    for (let cutAt = 0; cutAt < 400; cutAt += 1)
      for (const name of ['client', 'server'] as const) exchange(cutAt, name);
  });
});

describe('two ends of a session of which one leaves', () => {
  it('once it is quiet nothing written is unconfirmed at either end, whatever handlers still send', () => {
    const answers = fc.array(fc.boolean(), { maxLength: 30 });
    fc.assert(
      fc.property(options, commandsOf([]), commandsOf([]), answers, (pairOptions, before, during, answering) => {
        const world = new World(pairOptions);
        const { pair } = world;
        const { client, server } = pair;
        for (const end of [client, server])
          end.onMail = (mail) => void (answering.pop() === true && end.sendInTurn(`${mail.text.slice(0, 9)}+`));
        for (const command of before) world.run(command);
        if (!pair.isUp) pair.connect();
        world.check();
        server.session.startDrain(100, 'leaving');
        let isQuiet = false;
        const look = (): void => {
          client.settleDrain();
          isQuiet ||= server.settleDrain();
          if (!isQuiet) return;
          for (const { session } of [client, server]) {
            must(session.outlet.ordered.written.length === 0, 'nothing written is unconfirmed after a clean drain');
            must(session.outlet.direct.messages === 0, 'no receipt is on its way after a clean drain');
          }
          must(client.isMailboxIdle && server.isMailboxIdle, 'no handler waits after a clean drain');
        };
        for (const command of during) {
          // Each looks when its input has been taken, as a driver does, but not always.
          if (command.type === 'work' || command.type === 'carry') look();
          if (isQuiet) return;
          world.run(command);
        }
        if (!pair.isUp) pair.connect();
        world.check();
        for (let round = 0; round < 2_000 && !isQuiet; round += 1) {
          for (const end of [client, server]) {
            pair.pump(end);
            pair.carry(end === client ? server : client);
            end.work(pair.nowMs, 1);
            if (!isQuiet) look();
          }
          pair.advance(20);
        }
        must(isQuiet, 'a drain comes to its end');
      }),
      { numRuns: 1_500 },
    );
  });
});

/** A world whose server loses its memory: the client's report must account for every message. */
class ForgetfulWorld extends World {
  /** Texts of the client in the outbox or handled, of this epoch: what the next report has to account for. */
  #inEpoch = 0;
  #acceptedSeen = 0;
  #takenBackSeen = 0;
  readonly #handledBefore: string[] = [];
  readonly resent: string[] = [];
  readonly unconfirmed = new Set<string>();
  readonly discarded = new Set<string>();
  readonly serversSent: (readonly string[])[] = [];
  onlyExact = true;

  override run(command: Command): void {
    if (command.type === 'renew') this.#renew(command);
    else super.run(command);
  }

  override handledBy(name: Side, texts: readonly string[]): boolean {
    if (name === 'server') return super.handledBy(name, texts);
    const seen = new Set([...this.#handledBefore, ...this.pair.server.handled]);
    // A flush may be answered over messages that a report has named before it was asked for.
    return texts.every((text) => seen.has(text) || this.unconfirmed.has(text) || this.discarded.has(text));
  }

  get handledByServers(): readonly string[] {
    return [...this.#handledBefore, ...this.pair.server.handled];
  }

  #countAccepted(): void {
    const { accepted, takenBack } = this.ledgers.client;
    this.#inEpoch += accepted.length - this.#acceptedSeen - (takenBack.size - this.#takenBackSeen);
    this.#acceptedSeen = accepted.length;
    this.#takenBackSeen = takenBack.size;
  }

  #renew({ knowsCursor, resend, discard }: Extract<Command, { type: 'renew' }>): void {
    const { pair } = this;
    const { server, client } = pair;
    this.readOutputs('server');
    this.#countAccepted();
    const handled = server.handled.length;
    const { outlet } = client.session;
    const released = outlet.ordered.released;
    if (!knowsCursor) this.onlyExact = false;
    this.serversSent.push([...this.ledgers.server.accepted]);
    this.#handledBefore.push(...server.handled);
    this.ledgers.server = new Ledger();
    this.outputsSeen.server = 0;
    pair.renew(knowsCursor ? server.session.cursor : 0, (leftover) => {
      const { unconfirmed, carried } = leftover;
      const inLine = this.#inEpoch - (knowsCursor ? handled : released) - unconfirmed - carried;
      // With a final cursor the room of what was confirmed may have let some of the line in.
      expect(inLine).toBeGreaterThanOrEqual(0);
      if (!knowsCursor) expect(released).toBeLessThanOrEqual(handled);
      if (!outlet.isFull(0)) expect(inLine).toBe(0);
      const texts = leftover.messages.map(({ page, start, end }) => Buffer.from(page.subarray(start, end)).toString());
      expect(texts.length).toBe(unconfirmed);
      if (knowsCursor) for (const text of texts) expect(server.handled).not.toContain(text);
      const waiting: string[] = [];
      for (let index = 0; index < outlet.ordered.waiting.length; index += 1) {
        const message = outlet.ordered.waiting.at(index);
        if (message === undefined || message.cancelled) continue;
        waiting.push(Buffer.from(message.page.subarray(message.start, message.end)).toString());
      }
      must(waiting.length === carried, 'what waits is carried');
      super.run({ type: 'send', side: 'client', bytes: 12 });
      if (discard) {
        outlet.discardCarried();
        for (const text of waiting) this.discarded.add(text);
      }
      for (const text of texts) this.unconfirmed.add(text);
      // Calls are never sent again.
      const events = texts.filter((_, index) => leftover.messages[index]?.kind !== Kind.CALL);
      if (resend) {
        outlet.resend(leftover);
        this.resent.push(...events);
        for (const text of events) this.unconfirmed.delete(text);
      }
      this.#inEpoch = (resend ? events.length : 0) + (discard ? 0 : carried) + inLine;
    });
    super.check();
  }
}

describe('two ends of a session of which one loses its memory', () => {
  it('the report accounts for every accepted message, and each is handled as often as the report allows', () => {
    fc.assert(
      fc.property(options, commandsOf([{ weight: 2, arbitrary: renew }]), (pairOptions, commands) => {
        const world = new ForgetfulWorld(pairOptions);
        for (const command of commands) world.run(command);
        world.heal();
        const { accepted, takenBack } = world.ledgers.client;
        const handled = world.handledByServers;
        const named = accepted.filter((text) => !takenBack.has(text));
        for (const text of named) {
          const times = handled.filter((each) => each === text).length;
          const timesResent = world.resent.filter((each) => each === text).length;
          expect(times).toBeLessThanOrEqual(world.onlyExact ? 1 : 1 + timesResent);
          const isExcused = world.unconfirmed.has(text) || world.discarded.has(text);
          if (!isExcused) expect(times).toBeGreaterThanOrEqual(1);
        }
        if (world.onlyExact)
          expect(handled.filter((text) => named.includes(text))).toEqual(
            named.filter((text) => handled.includes(text)),
          );
        // What the servers sent: of each a prefix, one server after the other.
        let rest = world.pair.client.handled;
        for (const sent of [...world.serversSent, world.ledgers.server.accepted]) {
          let count = 0;
          const kept = sent.filter((text) => rest.includes(text));
          while (count < kept.length && rest[count] === kept[count]) count += 1;
          expect(count).toBe(kept.length);
          rest = rest.slice(count);
        }
        expect(rest).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});
