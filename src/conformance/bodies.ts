/** The bodies of control frames as PROTOCOL.md section 3 has them: those of a client written, those of a server read. */
import { createHmac } from 'node:crypto';
import { Fields, join, text16, text8, u16, u32, u64, u8 } from './bytes.ts';

/** The fields of a HELLO; every one may be given a value that is not allowed. */
export interface HelloFields {
  readonly magic: number;
  readonly versionMin: number;
  readonly versionMax: number;
  readonly features: number;
  readonly lingerMs: number;
  readonly messageBytes: number;
  readonly depth: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly dialNumber: number;
  readonly seenPort: number;
  readonly seenAddress: string;
  readonly mode: number;
  /** Of modes 1 and 2. */
  readonly id: string;
  readonly epoch: number;
  readonly orderedReceived: number;
  readonly cursor: number;
  readonly directReceived: number;
  readonly secret: Uint8Array;
  readonly credentials: Uint8Array;
  readonly extra: Uint8Array;
}

/** A HELLO that asks for a new session. */
export const plainHello: HelloFields = {
  magic: 0x484d4e47,
  versionMin: 1,
  versionMax: 1,
  features: 1,
  lingerMs: 60_000,
  messageBytes: 1_048_576,
  depth: 32,
  windowMessages: 1_024,
  windowBytes: 1_048_576,
  dialNumber: 1,
  seenPort: 0,
  seenAddress: '',
  mode: 0,
  id: '',
  epoch: 0,
  orderedReceived: 0,
  cursor: 0,
  directReceived: 0,
  secret: Buffer.alloc(32),
  credentials: u8(0xf7),
  extra: Buffer.alloc(0),
};

/** The body of a HELLO; one with a claim is signed with `secret`. */
export function hello(fields: HelloFields): Buffer {
  const { mode } = fields;
  const claim = join(
    text8(fields.id),
    ...[fields.epoch, fields.orderedReceived, fields.cursor, fields.directReceived].map(u64),
  );
  const { credentials, extra } = fields;
  const versions = join(u32(fields.magic), u8(fields.versionMin), u8(fields.versionMax));
  const heartbeat = join(u32(5_000), u32(15_000));
  const bounds = join(u32(fields.lingerMs), u32(fields.messageBytes), u8(fields.depth));
  const windows = join(u32(fields.windowMessages), u32(fields.windowBytes));
  const seen = join(u64(fields.dialNumber), u16(fields.seenPort), text8(fields.seenAddress));
  const terms = join(versions, u32(fields.features), heartbeat, bounds, windows, seen, u8(mode));
  const shown = join(u32(credentials.length), credentials, u16(extra.length), extra);
  const unsigned = mode === 0 ? join(terms, shown) : join(terms, claim, shown);
  return mode === 0 ? unsigned : join(unsigned, sign(fields.secret, unsigned));
}

/** HMAC-SHA-256 over the parts one after another. */
export function sign(secret: Uint8Array, ...parts: readonly Uint8Array[]): Buffer {
  const mac = createHmac('sha256', secret);
  for (const part of parts) mac.update(part);
  return mac.digest();
}

/** A WELCOME, read. */
export interface Welcome {
  readonly version: number;
  readonly features: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly lingerMs: number;
  readonly messageBytes: number;
  readonly depth: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
  readonly directPort: number;
  readonly mode: number;
  readonly id: string;
  readonly secret: Buffer;
  readonly epoch: number;
  readonly finalCursor: number | undefined;
  readonly lossCode: number;
  readonly orderedReceived: number;
  readonly cursor: number;
  readonly directReceived: number;
  /** All bytes before the mac, and the mac, if there is one. */
  readonly unsigned: Buffer;
  readonly mac: Buffer | undefined;
}

/** Reads a WELCOME and checks the ranges that the page gives. */
export function readWelcome(body: Buffer): Welcome {
  const fields = new Fields(body, 'its WELCOME');
  const terms = {
    version: fields.u8(),
    features: fields.u32(),
    heartbeatIntervalMs: fields.u32(),
    heartbeatTimeoutMs: fields.u32(),
    lingerMs: fields.u32(),
    messageBytes: fields.u32(),
    depth: fields.u8(),
    windowMessages: fields.u32(),
    windowBytes: fields.u32(),
    directPort: fields.u16(),
    mode: fields.u8(),
  };
  if (terms.depth < 4 || terms.depth > 128) fields.fail(`has depth ${terms.depth}, not 4 to 128`);
  const session = terms.mode === 0 ? readNew(fields) : readResumed(fields);
  fields.bytes(fields.u16());
  const unsigned = body.subarray(0, fields.at);
  const mac = terms.mode === 1 || session.finalCursor !== undefined ? fields.bytes(32) : undefined;
  fields.end();
  return { ...terms, ...session, unsigned, mac };
}

function readNew(fields: Fields) {
  const id = fields.text8(64);
  if (id === '') fields.fail('has no id');
  const secret = fields.bytes(32);
  const epoch = fields.u64();
  if (epoch < 1 || epoch > 2 ** 32) fields.fail(`has epoch ${epoch}`);
  const finalCursor = readFinal(fields);
  const none = { orderedReceived: 0, cursor: 0, directReceived: 0 };
  return { id, secret, epoch, finalCursor, lossCode: fields.u16(), ...none };
}

function readResumed(fields: Fields) {
  const orderedReceived = fields.u64();
  const cursor = fields.u64();
  if (cursor > orderedReceived) fields.fail(`has cursor ${cursor} above orderedReceived ${orderedReceived}`);
  const none = { id: '', secret: Buffer.alloc(0), epoch: 0, finalCursor: undefined, lossCode: 0 };
  return { ...none, orderedReceived, cursor, directReceived: fields.u64() };
}

function readFinal(fields: Fields): number | undefined {
  const hasFinal = fields.u8();
  if (hasFinal > 1) fields.fail(`has ${hasFinal} as hasFinal`);
  return hasFinal === 1 ? fields.u64() : undefined;
}

/** A CLOSE, or a REFUSED with what it has beyond that. */
export interface Ending {
  readonly code: number;
  readonly retryAfterMs: number;
  readonly reason: string;
  readonly finalCursor: number | undefined;
  readonly unsigned: Buffer;
  readonly mac: Buffer | undefined;
}

/** Reads a REFUSED. */
export function readRefused(body: Buffer): Ending {
  const fields = new Fields(body, 'its REFUSED');
  const code = fields.u16();
  const retryAfterMs = fields.u32();
  const finalCursor = readFinal(fields);
  const reason = fields.text16();
  const unsigned = body.subarray(0, fields.at);
  const mac = finalCursor === undefined ? undefined : fields.bytes(32);
  fields.end();
  return { code, retryAfterMs, reason, finalCursor, unsigned, mac };
}

/** Reads a CLOSE. */
export function readClose(body: Buffer): Ending {
  const fields = new Fields(body, 'its CLOSE');
  const ending = { code: fields.u16(), retryAfterMs: fields.u32(), reason: fields.text16() };
  fields.end();
  return { ...ending, finalCursor: undefined, unsigned: body, mac: undefined };
}

/** Reads a GOAWAY: when to come back, in milliseconds. */
export function readGoAway(body: Buffer): number {
  const fields = new Fields(body, 'its GOAWAY');
  const retryAfterMs = fields.u32();
  fields.text16();
  fields.end();
  return retryAfterMs;
}

/** The body of a GOAWAY. */
export const goAway = (reason = ''): Buffer => join(u32(0), text16(reason));

/** The body of a CLOSE. */
export const close = (code: number, reason = ''): Buffer => join(u16(code), u32(0), text16(reason));

/** The numbers of an ACK. */
export interface Ack {
  readonly orderedReceived: number;
  readonly cursor: number;
  readonly directReceived: number;
  readonly windowMessages: number;
  readonly windowBytes: number;
}

/** The body of an ACK. */
export function ack({ orderedReceived, cursor, directReceived, windowMessages, windowBytes }: Ack): Buffer {
  return join(...[orderedReceived, cursor, directReceived].map(u64), u32(windowMessages), u32(windowBytes));
}

/** Reads an ACK. */
export function readAck(body: Buffer): Ack {
  const fields = new Fields(body, 'its ACK');
  const [orderedReceived, cursor, directReceived] = [fields.u64(), fields.u64(), fields.u64()];
  if (cursor > orderedReceived) fields.fail(`has cursor ${cursor} above orderedReceived ${orderedReceived}`);
  return { orderedReceived, cursor, directReceived, windowMessages: fields.u32(), windowBytes: fields.u32() };
}
