import { describe, expect, it } from 'vitest';
import { type HelloFields, hello, plainHello, sign } from '../../../src/conformance/bodies.ts';
import { hex, join, text16, text8, u16, u32, u64, u8 } from '../../../src/conformance/bytes.ts';
import {
  FRAGMENT,
  PIECE_BYTES,
  type TypeName,
  type Wrong,
  directKinds,
  frame,
  orderedKinds,
  types,
} from '../../../src/conformance/frames.ts';
import { write } from '../../../src/conformance/items.ts';
import { WireLinter } from '../../../src/testing/linter.ts';

type By = 'client' | 'server';

const secret = Buffer.alloc(32, 7);

/** A WELCOME, and what of it is unlike a plain one. */
interface WelcomeFields {
  readonly version: number;
  readonly features: number;
  readonly lingerMs: number;
  readonly messageBytes: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly mode: number;
  readonly id: string;
  readonly epoch: number;
  readonly lossCode: number;
  readonly orderedReceived: number;
  readonly cursor: number;
  readonly directReceived: number;
  readonly mac: Uint8Array;
}

function welcome(hellos: Buffer, change: Partial<WelcomeFields> = {}): Buffer {
  const fields: WelcomeFields = {
    version: 1,
    features: 1,
    lingerMs: 60_000,
    messageBytes: 200_000,
    windowMessages: 10,
    windowBytes: 150_000,
    mode: 0,
    id: 's-1',
    epoch: 1,
    lossCode: 0,
    orderedReceived: 0,
    cursor: 0,
    directReceived: 0,
    mac: Buffer.alloc(0),
    ...change,
  };
  const bounds = join(u32(fields.lingerMs), u32(fields.messageBytes), u8(32));
  const windows = join(u32(fields.windowMessages), u32(fields.windowBytes), u16(0), u8(fields.mode));
  const terms = join(u8(fields.version), u32(fields.features), u32(5_000), u32(15_000), bounds, windows);
  const fresh = join(text8(fields.id), secret, u64(fields.epoch), u8(0), u16(fields.lossCode));
  const resumed = join(...[fields.orderedReceived, fields.cursor, fields.directReceived].map(u64));
  const unsigned = join(terms, fields.mode === 0 ? fresh : resumed, u16(0));
  if (fields.mode === 0) return unsigned;
  return join(unsigned, fields.mac.length > 0 ? fields.mac : sign(secret, hellos, unsigned));
}

/** What two ends say to each other, and the first sentence of the linter about it. */
class Talk {
  readonly sentences: string[] = [];
  readonly #linter = new WireLinter((sentence) => this.sentences.push(sentence));
  #line = this.#linter.connection('line 1');
  #lineCount = 1;
  #chunkBytes = Infinity;

  /** From now on bytes are shown in pieces of this size. */
  inPieces(chunkBytes: number): this {
    this.#chunkBytes = chunkBytes;
    return this;
  }

  bytes(by: By, bytes: Uint8Array): this {
    for (let at = 0; at < bytes.length; at += this.#chunkBytes)
      this.#line.wrote(by, bytes.subarray(at, Math.min(bytes.length, at + this.#chunkBytes)));
    return this;
  }

  say(by: By, type: TypeName, body: Uint8Array, wrong: Wrong = {}): this {
    return this.bytes(by, frame(types[type], body, true, wrong));
  }

  /** Another connection between the same two. */
  again(): this {
    this.#lineCount += 1;
    this.#line = this.#linter.connection(`line ${this.#lineCount}`);
    return this;
  }

  /** A first handshake. */
  begin(change: Partial<WelcomeFields> = {}, asked: Partial<HelloFields> = {}): this {
    const body = hello({ ...plainHello, ...asked });
    return this.say('client', 'HELLO', body).say('server', 'WELCOME', welcome(body, change));
  }

  /** A first handshake with the client's first ACK. */
  up(change: Partial<WelcomeFields> = {}, asked: Partial<HelloFields> = {}): this {
    return this.begin(change, asked).ack('client', 0, 0);
  }

  resume(asked: Partial<HelloFields> = {}, change: Partial<WelcomeFields> = {}): this {
    const body = hello({ ...plainHello, mode: 1, id: 's-1', epoch: 1, dialNumber: 2, secret, ...asked });
    return this.again()
      .say('client', 'HELLO', body)
      .say('server', 'WELCOME', welcome(body, { mode: 1, ...change }));
  }

  ack(by: By, received: number, cursor: number, direct = 0, window = by === 'client' ? 1_024 : 10): this {
    const positions = join(u64(received), u64(cursor), u64(direct));
    return this.say(by, 'ACK', join(positions, u32(window), u32(1_048_576)));
  }

  ordered(by: By, kind: keyof typeof orderedKinds, seq: number, body = write(['say', 1])): this {
    return this.say(by, 'ORDERED', body, { flags: orderedKinds[kind], seq });
  }

  direct(by: By, kind: keyof typeof directKinds, seq: number, body: Uint8Array): this {
    return this.say(by, 'DIRECT', body, { flags: directKinds[kind], seq });
  }

  piece(seq: number, total: number, offset: number, bytes: number): this {
    const body = join(u32(total), u32(offset), Buffer.alloc(bytes, 0x61));
    return this.say('client', 'ORDERED', body, { flags: FRAGMENT | orderedKinds.EVENT, seq });
  }
}

const talk = (): Talk => new Talk();
const done = (seq: number): Buffer => join(u64(seq), u8(0));
const nonce = (number: number): Buffer => u64(number);

/** A conversation with everything in it that is allowed. */
function legal(to: Talk): Talk {
  return to
    .up()
    .ordered('client', 'EVENT', 1)
    .ordered('client', 'DELIVER', 2)
    .ordered('client', 'CALL', 3)
    .ordered('server', 'DELIVER', 1)
    .direct('server', 'RECEIPT', 1, done(2))
    .ack('server', 3, 2)
    .direct('server', 'RESULT', 2, join(done(3), write(7)))
    .direct('client', 'RECEIPT', 1, done(1))
    .ack('client', 1, 1, 2)
    .ordered('client', 'WRITE', 4, write(['key', 1]))
    .direct('server', 'VERDICT', 3, join(u64(4), u8(0), u64(0)))
    .say('client', 'PING', nonce(5))
    .say('client', 'PING', nonce(6))
    .say('server', 'PONG', nonce(6))
    .say('client', 'ASK', nonce(9))
    .piece(5, 100_000, 0, PIECE_BYTES)
    .say('server', 'GOAWAY', join(u32(0), text16('')))
    .resume({ orderedReceived: 1, cursor: 1, directReceived: 2 }, { orderedReceived: 4, cursor: 3, directReceived: 1 })
    .ack('client', 1, 1, 2)
    .direct('server', 'VERDICT', 3, join(u64(4), u8(0), u64(0)))
    .piece(5, 100_000, 0, PIECE_BYTES)
    .piece(5, 100_000, PIECE_BYTES, 100_000 - PIECE_BYTES)
    .ack('server', 5, 5, 1)
    .say('client', 'CLOSE', join(u16(207), u32(0), text16('')));
}

describe('the wire linter', () => {
  it.each([Infinity, 1, 7])('has nothing to say of a legal conversation, shown in pieces of %d bytes', (chunkBytes) => {
    expect(legal(talk().inPieces(chunkBytes)).sentences).toEqual([]);
  });

  it('has nothing to say of refusals, and of a session without checksums', () => {
    const refused = join(u16(104), u32(1_000), u8(0), text16(''));
    expect(talk().say('server', 'REFUSED', refused).sentences).toEqual([]);
    const bare = talk().begin({ features: 0 });
    bare.bytes('client', frame(types.ACK, join(u64(0), u64(0), u64(0), u32(1_024), u32(1_048_576)), false));
    expect(bare.sentences).toEqual([]);
    expect(bare.say('client', 'PING', nonce(1)).sentences).toEqual([
      'line 1, client: it sent a frame of type 5 with a wrong checksum',
    ]);
  });

  it('says the first thing that is wrong with a connection, and looks at the next one', () => {
    const both = talk()
      .up()
      .ordered('client', 'EVENT', 2)
      .ordered('client', 'EVENT', 9)
      .resume()
      .say('client', 'HELLO', hex('00'));
    expect(both.sentences).toEqual([
      'line 1, client: it sent ordered seq 2, expected was 1',
      'line 2, client: it sent HELLO first after WELCOME',
    ]);
  });

  it('accepts what is large when it goes alone, and nothing beside it', () => {
    const tight = talk().up({ windowBytes: 100 });
    const large = write(['say', 'x'.repeat(200)]);
    expect(tight.ordered('client', 'EVENT', 1, large).sentences).toEqual([]);
    expect(tight.ordered('client', 'EVENT', 2, large).sentences).toEqual([
      'line 1, client: it sent ordered seq 2 with 207 bytes, up to byte 414 of 100 granted',
    ]);
  });

  const illegal: readonly (readonly [string, () => Talk, string])[] = [
    ['a frame before HELLO', () => talk().say('client', 'PING', nonce(1)), 'it sent PING before WELCOME'],
    [
      'a second HELLO',
      () => talk().begin().again().say('client', 'HELLO', hello(plainHello)).say('client', 'HELLO', hello(plainHello)),
      'it sent HELLO twice',
    ],
    [
      'an answer to nothing',
      () => talk().say('server', 'WELCOME', welcome(hex(''))),
      'it sent WELCOME before it had a HELLO',
    ],
    [
      'a message before WELCOME',
      () => talk().say('client', 'HELLO', hello(plainHello)).ordered('client', 'EVENT', 1),
      'it sent ORDERED before WELCOME',
    ],
    [
      'a second WELCOME',
      () =>
        talk()
          .up()
          .say('server', 'WELCOME', welcome(hex(''))),
      'it sent WELCOME after the handshake',
    ],
    [
      'another first frame than an ACK',
      () => talk().begin().ordered('client', 'EVENT', 1),
      'it sent ORDERED first after WELCOME',
    ],
    ['a version that nobody offered', () => talk().begin({ version: 2 }), 'its WELCOME has version 2'],
    ['features that nobody asked for', () => talk().begin({ features: 3 }), 'its WELCOME has features 3'],
    [
      'a longer linger than was wanted',
      () => talk().begin({ lingerMs: 60_001 }),
      'its WELCOME grants a linger of 60001, above what was wanted',
    ],
    ['an epoch out of nowhere', () => talk().begin({ epoch: 2 }), 'its WELCOME has epoch 2, expected was 1'],
    ['a loss of nothing', () => talk().begin({ lossCode: 108 }), 'its WELCOME has lossCode 108'],
    ['an id that is in use', () => talk().begin().again().begin(), 'its WELCOME gives the id s-1 once more'],
    ['a claim of another epoch', () => talk().begin().resume({ epoch: 2 }), 'its HELLO claims epoch 2, not 1'],
    [
      'a claim with another secret',
      () =>
        talk()
          .begin()
          .resume({ secret: Buffer.alloc(32) }),
      'its HELLO has a wrong mac',
    ],
    [
      'a dial number that does not rise',
      () => talk().begin().resume({ dialNumber: 1 }),
      'its HELLO has dial number 1 after 1',
    ],
    [
      'a resume without its proof',
      () =>
        talk()
          .begin()
          .resume({}, { mac: Buffer.alloc(32) }),
      'its WELCOME has a wrong mac',
    ],
    [
      'a claim to have received what was never sent',
      () => talk().begin().resume({ directReceived: 1 }),
      'its HELLO has received 0 and 1, of 0 and 0 written',
    ],
    [
      'a wrong checksum',
      () => talk().up().say('client', 'PING', nonce(1), { checksum: 1 }),
      'it sent a frame of type 5 with a wrong checksum',
    ],
    [
      'a length that its type does not have',
      () => talk().up().say('client', 'PING', hex('00')),
      'it sent a frame of type 5 with 1 bytes',
    ],
    [
      'a control frame with a seq',
      () => talk().up().say('client', 'PING', nonce(1), { seq: 1 }),
      'it sent PING with flags or a seq',
    ],
    [
      'a type that does not exist',
      () =>
        talk()
          .up()
          .bytes('client', frame(0x20, hex(''), true)),
      'it sent a frame of type 32 with 0 bytes',
    ],
    [
      'flags that mean nothing',
      () =>
        talk()
          .up()
          .say('client', 'ORDERED', write(['say']), { flags: 0x11, seq: 1 }),
      'it sent ordered flags 17, which mean nothing',
    ],
    [
      'a kind of the other end',
      () => talk().up().ordered('client', 'CHANGE', 1),
      'it sent ordered kind 5, as a client',
    ],
    [
      'a verdict of a client',
      () =>
        talk()
          .up()
          .direct('client', 'VERDICT', 1, join(u64(1), u8(0), u64(0))),
      'it sent direct kind 8, as a client',
    ],
    [
      'a seq that is left out',
      () => talk().up().ordered('client', 'EVENT', 1).ordered('client', 'EVENT', 3),
      'it sent ordered seq 3, expected was 2',
    ],
    [
      'a seq twice',
      () => talk().up().ordered('client', 'EVENT', 1).ordered('client', 'EVENT', 1),
      'it sent ordered seq 1, expected was 2',
    ],
    [
      'another payload the second time',
      () =>
        talk()
          .up()
          .ordered('client', 'EVENT', 1)
          .resume()
          .ack('client', 0, 0)
          .ordered('client', 'EVENT', 1, write(['say', 2])),
      'it sent ordered seq 1 again with another payload',
    ],
    [
      'another kind the second time',
      () => talk().up().ordered('client', 'EVENT', 1).resume().ack('client', 0, 0).ordered('client', 'CALL', 1),
      'it sent ordered seq 1 again with another kind or length',
    ],
    [
      'an ACK of what was never written',
      () => talk().up().ack('server', 1, 0),
      'its ACK has received 1 and 0, of 0 and 0 written',
    ],
    [
      'an ACK of a message that is not whole',
      () => talk().up().piece(1, 100_000, 0, 9).ack('server', 1, 0),
      'its ACK has received 1 and 0, of 0 and 0 written',
    ],
    [
      'an ACK that goes back',
      () => talk().up().ordered('client', 'EVENT', 1).ack('server', 1, 1).ack('server', 1, 0, 0, 11),
      'its ACK goes back: cursor 0 after 1',
    ],
    [
      'a cursor above what was received',
      () => talk().up().ordered('client', 'EVENT', 1).ack('server', 0, 1),
      'its ACK has cursor 1 above orderedReceived 0',
    ],
    [
      'credit that is taken back',
      () => talk().up().ack('server', 0, 0, 0, 9),
      'its ACK takes credit back: up to 9 after 10',
    ],
    [
      'a message beyond its credit',
      () => talk().up({ windowMessages: 1 }).ordered('client', 'EVENT', 1).ordered('client', 'EVENT', 2),
      'it sent ordered seq 2, credit was up to 1',
    ],
    [
      'a message of a server without credit',
      () => talk().begin({}, { windowMessages: 0 }).ordered('server', 'EVENT', 1),
      'it sent ordered seq 1, credit was up to 0',
    ],
    [
      'a message that is larger than is taken',
      () =>
        talk()
          .up({ messageBytes: 3 })
          .ordered('client', 'EVENT', 1, write(['s', 11])),
      'it sent 4 bytes, and 3 are taken',
    ],
    [
      'a whole message amid fragments',
      () => talk().up().piece(1, 100_000, 0, 9).ordered('client', 'EVENT', 1),
      'it sent a whole ordered message amid fragments',
    ],
    [
      'a fragment that does not follow',
      () => talk().up().piece(1, 100_000, 0, 9).piece(1, 100_000, 10, 9),
      'its fragment of ordered seq 1 has 9 bytes at 10, expected was 9 of 100000',
    ],
    [
      'a total that changes',
      () => talk().up().piece(1, 100_000, 0, 9).piece(1, 100_001, 9, 9),
      'its fragment of ordered seq 1 has another kind or total than the one before',
    ],
    [
      'fragments of what travels whole',
      () => talk().up().piece(1, 9, 0, 9),
      'its fragment of ordered seq 1 has a total of 9, which travels whole',
    ],
    [
      'a piece beyond the total',
      () => talk().up().piece(1, 65_537, 0, PIECE_BYTES).piece(1, 65_537, PIECE_BYTES, 2),
      'its fragment of ordered seq 1 has 2 bytes at 65536, expected was 65536 of 65537',
    ],
    [
      'a payload that is no message',
      () =>
        talk()
          .up()
          .ordered('client', 'EVENT', 1, write([1])),
      'it sent a payload that is no array with a text first',
    ],
    [
      'a receipt that nobody waits for',
      () => talk().up().ordered('client', 'EVENT', 1).direct('server', 'RECEIPT', 1, done(1)),
      'it sent RECEIPT for 1, which nobody waits for',
    ],
    [
      'two results of one call',
      () =>
        talk()
          .up()
          .ordered('client', 'CALL', 1)
          .direct('server', 'RESULT', 1, join(u64(1), u8(2)))
          .direct('server', 'RESULT', 2, join(u64(1), u8(2))),
      'it sent RESULT for 1, which nobody waits for',
    ],
    [
      'an answer to no question',
      () =>
        talk()
          .up()
          .direct('client', 'ANSWER', 1, join(u64(1), u8(2))),
      'it sent ANSWER for 1, which nobody waits for',
    ],
    [
      'verdicts out of order',
      () =>
        talk()
          .up()
          .ordered('client', 'WRITE', 1, write(['a']))
          .ordered('client', 'WRITE', 2, write(['b']))
          .direct('server', 'VERDICT', 1, join(u64(2), u8(0), u64(0))),
      'it sent a VERDICT on 2, which is not the oldest WRITE without one',
    ],
    [
      'a CANCEL of nothing',
      () => talk().up().direct('client', 'CANCEL', 1, u64(1)),
      'it sent a CANCEL of 1, which it has not written',
    ],
    [
      'a STOP of what comes later',
      () => talk().up().direct('client', 'STOP', 1, u64(1)),
      'it sent a STOP of 1 as direct seq 1',
    ],
    [
      'a PONG that nobody asked for',
      () => talk().up().say('client', 'PING', nonce(1)).say('server', 'PONG', nonce(2)),
      'it sent a PONG 2 that nobody asked for',
    ],
    [
      'a PONG twice',
      () => talk().up().say('client', 'PING', nonce(1)).say('server', 'PONG', nonce(1)).say('server', 'PONG', nonce(1)),
      'it sent a PONG 1 that nobody asked for',
    ],
    [
      'anything after CLOSE',
      () =>
        talk()
          .up()
          .say('client', 'CLOSE', join(u16(207), u32(0), text16('')))
          .say('client', 'PING', nonce(1)),
      'it sent PING after its last frame',
    ],
    [
      'a GOAWAY that says more',
      () =>
        talk()
          .up()
          .say('server', 'GOAWAY', join(u32(0), text16(''), u8(1))),
      'its GOAWAY has 1 bytes left over',
    ],
  ];

  it.each(illegal)('names %s', (_what, tell, sentence) => {
    const { sentences } = tell();
    expect(sentences.map((each) => each.replace(/^line \d+, \w+: /, ''))).toEqual([sentence]);
  });
});
