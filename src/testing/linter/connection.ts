/** One connection as its bytes show it, from HELLO to its last frame, and the session that it carries. */
import { type Welcome, readAck, readClose, readGoAway, readRefused, readWelcome } from '../../conformance/bodies.ts';
import { Failed, Fields } from '../../conformance/bytes.ts';
import { FrameReader, type Got, types } from '../../conformance/frames.ts';
import { elementsOf, read } from '../../conformance/items.ts';
import { type Hello, readHello } from './hello.ts';
import { LaneLinter } from './lanes.ts';
import { type By, EndRecord, type Lane, type SessionRecord } from './record.ts';

/** Payloads are read as values up to this length. */
const READ_BYTES_MAX = 4_096;
const CHECKSUM = 1;

/** What one end does on this connection. */
class Side {
  readonly by: By;
  readonly reader: FrameReader;
  /** Nonces of pings that were not answered yet. */
  readonly pings: number[] = [];
  lanes: Readonly<Record<Lane, LaneLinter>> | undefined;
  hasParted = false;
  hasSpoken = false;

  constructor(by: By) {
    this.by = by;
    this.reader = new FrameReader(by === 'client' ? types.HELLO : undefined);
  }
}

/** Makes the proof of a secret over these parts, 32 bytes. */
export type Sign = (secret: Uint8Array, ...parts: readonly Uint8Array[]) => Uint8Array;

/** The state of one connection. Throws `Failed` at what must not be written. */
export class ConnectionRecord {
  readonly #sessions: Map<string, SessionRecord>;
  readonly #sign: Sign;
  readonly #sides = { client: new Side('client'), server: new Side('server') };
  #hello: Hello | undefined;
  #session: SessionRecord | undefined;

  constructor(sessions: Map<string, SessionRecord>, sign: Sign) {
    this.#sessions = sessions;
    this.#sign = sign;
  }

  /** An end has written these bytes. */
  take(by: By, chunk: Uint8Array): void {
    const side = this.#sides[by];
    for (const got of side.reader.push(chunk)) {
      if (side.hasParted) throw new Failed(`it sent ${got.name} after its last frame`);
      side.hasParted = got.type === types.CLOSE || got.type === types.REFUSED;
      if (this.#session !== undefined) this.#up(side, got, this.#session);
      else if (by === 'client') this.#greet(got);
      else this.#answer(got);
    }
  }

  // ---- the handshake

  #greet(got: Got): void {
    // A REFUSED that was altered on its way is answered so.
    if (got.type === types.CLOSE && this.#sides.server.hasParted) return void readClose(got.body);
    if (got.type !== types.HELLO) throw new Failed(`it sent ${got.name} before WELCOME`);
    if (this.#hello !== undefined) throw new Failed('it sent HELLO twice');
    const hello = readHello(got.body);
    this.#hello = hello;
    const claimed = this.#sessions.get(hello.id);
    if (claimed === undefined) return;
    if (hello.epoch !== claimed.epoch) throw new Failed(`its HELLO claims epoch ${hello.epoch}, not ${claimed.epoch}`);
    if (hello.mac?.equals(this.#sign(claimed.secret, hello.unsigned)) !== true)
      throw new Failed('its HELLO has a wrong mac');
    if (hello.dialNumber <= claimed.dialNumber)
      throw new Failed(`its HELLO has dial number ${hello.dialNumber} after ${claimed.dialNumber}`);
    claimed.dialNumber = hello.dialNumber;
    claimed.client.tell(hello, claimed.server, 'HELLO');
    if (hello.mode === 1) claimed.client.grant(hello, claimed.server, 'HELLO');
  }

  #answer(got: Got): void {
    const hello = this.#hello;
    if (got.type === types.CLOSE) return void readClose(got.body);
    if (got.type === types.REFUSED) return this.#refuse(got, hello);
    if (got.type !== types.WELCOME) throw new Failed(`it sent ${got.name} before WELCOME`);
    if (hello === undefined) throw new Failed('it sent WELCOME before it had a HELLO');
    const welcome = readWelcome(got.body);
    const { version, features, lingerMs } = welcome;
    if (version < hello.versionMin || version > hello.versionMax)
      throw new Failed(`its WELCOME has version ${version}`);
    if ((features & ~hello.features) !== 0) throw new Failed(`its WELCOME has features ${features}`);
    if (lingerMs > hello.lingerMs)
      throw new Failed(`its WELCOME grants a linger of ${lingerMs}, above what was wanted`);
    this.#session = welcome.mode === 0 ? this.#begin(welcome, hello) : this.#resume(welcome, hello);
    this.#open(this.#session, welcome, hello);
  }

  #refuse({ body }: Got, hello: Hello | undefined): void {
    const { finalCursor, unsigned, mac } = readRefused(body);
    const claimed = this.#sessions.get(hello?.id ?? '');
    if (finalCursor === undefined || hello === undefined || claimed === undefined) return;
    expectMac('REFUSED', mac, this.#sign(claimed.secret, hello.body, unsigned));
  }

  #begin(welcome: Welcome, hello: Hello): SessionRecord {
    const { id, secret, epoch, lossCode, finalCursor } = welcome;
    if (this.#sessions.has(id)) throw new Failed(`its WELCOME gives the id ${id} once more`);
    const expected = hello.mode === 0 ? 1 : hello.epoch + 1;
    if (epoch !== expected) throw new Failed(`its WELCOME has epoch ${epoch}, expected was ${expected}`);
    if ((lossCode === 0) !== (hello.mode === 0)) throw new Failed(`its WELCOME has lossCode ${lossCode}`);
    if (hello.mode === 0 && finalCursor !== undefined) throw new Failed('its WELCOME has a final cursor of nothing');
    const claimed = this.#sessions.get(hello.id);
    if (finalCursor !== undefined && claimed !== undefined) {
      expectMac('WELCOME', welcome.mac, this.#sign(claimed.secret, hello.body, welcome.unsigned));
      if (finalCursor > claimed.client.ordered.whole)
        throw new Failed(`its WELCOME has final cursor ${finalCursor}, of ${claimed.client.ordered.whole} written`);
    }
    const session: SessionRecord = {
      id,
      secret: Buffer.from(secret),
      epoch,
      dialNumber: hello.dialNumber,
      client: new EndRecord(hello.messageBytes),
      server: new EndRecord(welcome.messageBytes),
    };
    this.#sessions.set(id, session);
    // In answer to a claim the client grants nothing before its first ACK.
    if (hello.mode === 0) session.client.grant(hello, session.server, 'HELLO');
    session.server.grant(welcome, session.client, 'WELCOME');
    return session;
  }

  #resume(welcome: Welcome, hello: Hello): SessionRecord {
    if (hello.mode !== 1) throw new Failed(`its WELCOME resumes in answer to mode ${hello.mode}`);
    const session = this.#sessions.get(hello.id);
    if (session === undefined) throw new Failed(`its WELCOME resumes ${hello.id}, which nobody knows`);
    expectMac('WELCOME', welcome.mac, this.#sign(session.secret, hello.body, welcome.unsigned));
    session.server.tell(welcome, session.client, 'WELCOME');
    session.server.grant(welcome, session.client, 'WELCOME');
    return session;
  }

  #open(session: SessionRecord, welcome: Welcome, hello: Hello): void {
    const isResumed = welcome.mode === 1;
    const none = { orderedReceived: 0, directReceived: 0 };
    const received = { client: isResumed ? welcome : none, server: isResumed ? hello : none };
    for (const side of [this.#sides.client, this.#sides.server]) {
      side.reader.checksummed = (welcome.features & CHECKSUM) !== 0;
      const { orderedReceived, directReceived } = received[side.by];
      side.lanes = {
        ordered: this.#lane('ordered', side.by, orderedReceived + 1, session),
        direct: this.#lane('direct', side.by, directReceived + 1, session),
      };
    }
  }

  #lane(lane: Lane, by: By, next: number, session: SessionRecord): LaneLinter {
    const end = session[by];
    const other = session[by === 'client' ? 'server' : 'client'];
    return new LaneLinter(lane, by, next, {
      begins: (message) => {
        if (message.bytes > other.messageBytes)
          throw new Failed(`it sent ${message.bytes} bytes, and ${other.messageBytes} are taken`);
        if (end[lane].begin(message) && lane === 'ordered') end.spend(message, other);
      },
      whole: (message, checksum, first) => {
        const { seq, kind, bytes } = message;
        if (!end[lane].finish(seq, checksum)) return;
        if (lane === 'direct') return end.answer(message, first, other);
        end.owe(seq, kind);
        if (bytes <= READ_BYTES_MAX) readNamed(first);
      },
    });
  }

  // ---- after it

  #up(side: Side, got: Got, session: SessionRecord): void {
    const { by, lanes } = side;
    const isFirst = !side.hasSpoken;
    side.hasSpoken = true;
    if (by === 'client' && isFirst && got.type !== types.ACK && got.type !== types.CLOSE)
      throw new Failed(`it sent ${got.name} first after WELCOME`);
    switch (got.type) {
      case types.ACK: {
        const ack = readAck(got.body);
        const other = session[by === 'client' ? 'server' : 'client'];
        session[by].tell(ack, other, 'ACK');
        return session[by].grant(ack, other, 'ACK');
      }
      case types.PING:
        return void side.pings.push(nonceOf(got));
      case types.PONG:
        return this.#pong(this.#sides[by === 'client' ? 'server' : 'client'], nonceOf(got));
      case types.ASK:
        return void nonceOf(got);
      case types.GOAWAY:
        return void readGoAway(got.body);
      case types.CLOSE:
        return void readClose(got.body);
      case types.ORDERED:
        return lanes?.ordered.take(got);
      case types.DIRECT:
        return lanes?.direct.take(got);
      default:
        throw new Failed(`it sent ${got.name} after the handshake`);
    }
  }

  /** Of several pings that wait, the newest alone may be answered. */
  #pong({ pings }: Side, nonce: number): void {
    const at = pings.lastIndexOf(nonce);
    if (at < 0) throw new Failed(`it sent a PONG ${nonce} that nobody asked for`);
    pings.splice(0, at + 1);
  }
}

function nonceOf(got: Got): number {
  const fields = new Fields(got.body, `its ${got.name}`);
  const nonce = fields.u64();
  fields.end();
  return nonce;
}

function expectMac(name: string, got: Buffer | undefined, expected: Uint8Array): void {
  if (got?.equals(expected) !== true) throw new Failed(`its ${name} has a wrong mac`);
}

/** Every ordered payload is an array with a text first. */
function readNamed(payload: Buffer): void {
  const [name] = elementsOf(read(payload, 'the payload that it sent'));
  if (typeof name !== 'string') throw new Failed('it sent a payload that is no array with a text first');
}
