// PROTOCOL.md against the code: each worked example is decoded by the real decoders, compared with the fields that stand
// beside it, and encoded back to the same bytes; each table is compared with the table it describes.
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type EndCode, endCodeOf, endTable, wireNumberOf } from '../src/errors.ts';
import { sessionId } from '../src/ids.ts';
import { RESULT_BYTES, ResultStatus } from '../src/session/calls.ts';
import { Codec } from '../src/wire/codec.ts';
import * as control from '../src/wire/control.ts';
import * as frame from '../src/wire/frame.ts';
import { LINKS_MAX, ValueTag, defaultWireLimits } from '../src/wire/limits.ts';
import { scan } from '../src/wire/scan.ts';
import { Splitter } from '../src/wire/splitter.ts';

const page = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
const codec = new Codec(defaultWireLimits);

/** The fields of an example, as its JSON block states them. */
interface Fields {
  readonly type: keyof typeof frame.FrameType;
  /** False on a connection that has chosen no checksums. */
  readonly checksums?: boolean;
  readonly [name: string]: unknown;
}

const hexBlocks = new Map<string, readonly (readonly [hex: string, label: string])[]>();
const jsonBlocks = new Map<string, Fields>();
for (const [, language, name = '', text = ''] of page.matchAll(/^```(hex|json) ([\w-]+)\n([\s\S]*?)^```$/gm)) {
  if (language === 'json') jsonBlocks.set(name, JSON.parse(text) as Fields);
  else hexBlocks.set(name, text.trimEnd().split('\n').map(splitLine));
}

function splitLine(line: string): readonly [string, string] {
  const [, hex, label] = /^((?:[0-9a-f]{2})+)(?: {2,}(.*))?$/.exec(line) ?? [];
  if (hex === undefined) throw new Error(`expected hex and a label, got ${line}`);
  return [hex, label ?? ''];
}

function bytesOf(name: string): Uint8Array {
  return new Uint8Array(Buffer.from((hexBlocks.get(name) ?? []).map(([hex]) => hex).join(''), 'hex'));
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** The secret of session s-1, and what is signed with it on the page. */
const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
const helloBody = bytesOf('hello-resume').subarray(frame.HEADER_BYTES);

function prove(...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac('sha256', secret);
  for (const part of parts) hmac.update(part);
  return new Uint8Array(hmac.digest());
}

describe('the worked examples', () => {
  const names = [...jsonBlocks.keys()];

  it('come in pairs and show every frame type', () => {
    expect([...hexBlocks.keys()].toSorted()).toEqual([...names, 'values'].toSorted());
    const shown = new Set([...jsonBlocks.values()].map(({ type }) => type));
    expect([...shown].toSorted()).toEqual(Object.keys(frame.FrameType).toSorted());
  });

  it.each(names.filter((name) => name !== 'fragment-head'))('%s means what stands beside it', (name) => {
    const bytes = bytesOf(name);
    const expected = jsonBlocks.get(name);
    const splitter = new Splitter(crc32);
    splitter.checksummed = expected?.checksums !== false;
    splitter.push(bytes);
    expect(splitter.next(), splitter.fault).toBe(true);
    expect(splitter.end).toBe(bytes.length);
    const { checksums: _, ...stated } = expected ?? {};
    expect(fieldsOf(splitter)).toEqual(stated);
  });

  it.each(names)('%s is what this code writes for those fields', (name) => {
    const fields = jsonBlocks.get(name);
    expect(fields === undefined ? '' : hexOf(encode(fields))).toBe(hexOf(bytesOf(name)));
  });

  it('fragment-head is the beginning of a frame that the splitter waits for', () => {
    const bytes = bytesOf('fragment-head');
    const splitter = new Splitter(crc32);
    splitter.checksummed = false;
    splitter.push(bytes);
    expect(splitter.next()).toBe(false);
    expect([splitter.fault, splitter.isPartial]).toEqual([undefined, true]);
    expect({ total: frame.readU32(bytes, 16), offset: frame.readU32(bytes, 20) }).toEqual({
      total: 70_000,
      offset: 65_536,
    });
    expect(jsonBlocks.get('fragment-head')?.['length']).toBe(70_000 - 65_536 + frame.FRAGMENT_HEADER_BYTES);
  });
});

/** What the real decoders make of the current frame, in the words of the page. */
function fieldsOf({ type, flags, seq, bytes, start, end }: Splitter): Record<string, unknown> {
  const name = Object.entries(frame.FrameType).find(([, number]) => number === type)?.[0] ?? '';
  switch (type) {
    case frame.FrameType.HELLO: {
      const { unsigned, mac, claim, credentials, ...rest } = present(control.decodeHello(bytes, start, end));
      if (claim !== undefined) expect(mac).toEqual(prove(unsigned));
      return { type: name, ...rest, ...(claim ?? { mode: 'new' }), credentials: hexOf(credentials) };
    }
    case frame.FrameType.WELCOME: {
      const { unsigned, mac, session, ...rest } = present(control.decodeWelcome(bytes, start, end));
      if (mac !== undefined) expect(mac).toEqual(prove(helloBody, unsigned));
      const { type: mode, ...answer } = session;
      const told = 'secret' in answer ? describeNew(answer) : answer;
      return { type: name, ...rest, mode, ...told };
    }
    case frame.FrameType.REFUSED: {
      const { unsigned, mac, code, ...rest } = present(control.decodeRefused(bytes, start, end));
      if (mac !== undefined) expect(mac).toEqual(prove(helloBody, unsigned));
      return { type: name, ...rest, code: wireNumberOf(code) };
    }
    case frame.FrameType.ACK: {
      const ack = { orderedReceived: -1, cursor: -1, directReceived: -1, windowMessages: -1, windowBytes: -1 };
      expect(control.readAck(bytes, start, ack)).toBe(true);
      return { type: name, ...ack };
    }
    case frame.FrameType.PING:
    case frame.FrameType.PONG:
      return { type: name, nonce: control.readNumber(bytes, start) };
    case frame.FrameType.ASK:
      return { type: name, cursor: control.readNumber(bytes, start) };
    case frame.FrameType.GOAWAY:
      return { type: name, ...present(control.decodeGoAway(bytes, start, end)) };
    case frame.FrameType.CLOSE: {
      const { code, ...rest } = present(control.decodeClose(bytes, start, end));
      return { type: name, ...rest, code: wireNumberOf(code) };
    }
    case frame.FrameType.TRACE:
      return { type: name, seq, ...present(control.decodeTrace(bytes, start, end)) };
    case frame.FrameType.ORDERED:
      return { type: name, kind: orderedKinds[flags], seq, value: decodeValue(bytes, start, end) };
    default:
      return { type: name, seq, ...directOf(flags, bytes, start, end) };
  }
}

const orderedKinds: Readonly<Record<number, string>> = {
  [frame.Kind.EVENT]: 'EVENT',
  [frame.Kind.DELIVER]: 'DELIVER',
  [frame.Kind.CALL]: 'CALL',
};

function directOf(kind: number, bytes: Uint8Array, start: number, end: number): object {
  switch (kind) {
    case frame.Kind.RECEIPT:
      return { kind: 'RECEIPT', receipt: receiptOf(bytes, start, end) };
    case frame.Kind.RESULT:
      return { kind: 'RESULT', result: resultOf(bytes, start, end) };
    case frame.Kind.CANCEL:
      expect(end - start).toBe(8);
      return { kind: 'CANCEL', cancel: { seq: frame.readU64(bytes, start) } };
    default:
      return { kind };
  }
}

/** JSON has no undefined: the examples write null for it. */
function resultOf(bytes: Uint8Array, start: number, end: number): object {
  const plain = { seq: frame.readU64(bytes, start), status: frame.readU8(bytes, start + 8) };
  const itemAt = start + RESULT_BYTES;
  if (itemAt === end) return plain;
  return { ...plain, value: (decodeValue(bytes, itemAt, end) as unknown[]).map((each) => each ?? null) };
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('expected a body that decodes');
  return value;
}

function describeNew({ secret: drawn, loss, finalCursor, ...rest }: Omit<control.NewSession, 'type'>): object {
  const final = finalCursor === undefined ? {} : { finalCursor };
  return { ...rest, ...final, secret: hexOf(drawn), loss: loss === undefined ? 0 : wireNumberOf(loss) };
}

function receiptOf(bytes: Uint8Array, start: number, end: number): object {
  const plain = { seq: frame.readU64(bytes, start), status: frame.readU8(bytes, start + 8) };
  if (plain.status !== 1) return plain;
  const [name, message, code] = decodeValue(bytes, start + 9, end) as unknown[];
  return { ...plain, error: { name, message, ...(code === undefined ? {} : { code }) } };
}

function decodeValue(bytes: Uint8Array, start: number, end: number): unknown {
  const verdict = scan(bytes, start, end, defaultWireLimits);
  expect(verdict).toBeGreaterThanOrEqual(0);
  return codec.decode(bytes, start, end, verdict);
}

function encodeValue(value: unknown, root?: string): Uint8Array {
  codec.encode(value, root);
  return codec.scratch.slice(codec.start, codec.end);
}

/** The frame that the fields of an example stand for. */
function encode(fields: Fields): Uint8Array {
  const checksum = fields.checksums === false ? undefined : crc32;
  const type = frame.FrameType[fields.type];
  if (type === frame.FrameType.ORDERED || type === frame.FrameType.DIRECT) return encodeMessage(fields, checksum);
  if (type === frame.FrameType.ACK) {
    const { orderedReceived, cursor, directReceived, windowMessages, windowBytes } = fields as unknown as control.Ack;
    const ack = new Uint8Array(control.ACK_FRAME_BYTES);
    control.writeAck(ack, 0, orderedReceived, cursor, directReceived, windowMessages, windowBytes);
    frame.stampChecksum(ack, 0, ack.length, crc32);
    return ack;
  }
  const bytes = frame.frameOf(type, encodeBody(type, fields), checksum);
  if (type !== frame.FrameType.TRACE) return bytes;
  frame.writeHeader(bytes, 0, type, 0, Number(fields['seq']), bytes.length - frame.HEADER_BYTES);
  frame.stampChecksum(bytes, 0, bytes.length, crc32);
  return bytes;
}

function encodeBody(type: number, fields: Fields): Uint8Array {
  const code = endCodeOf(Number(fields['code']));
  switch (type) {
    case frame.FrameType.HELLO: {
      const credentials = new Uint8Array(Buffer.from(String(fields['credentials']), 'hex'));
      const claim = fields['mode'] === 'new' ? undefined : (fields as unknown as control.Claim);
      return control.encodeHello({ ...(fields as unknown as control.Hello), claim, credentials }, prove);
    }
    case frame.FrameType.WELCOME: {
      const welcome = fields as unknown as control.Welcome;
      return control.encodeWelcome({ ...welcome, session: sessionOf(fields) }, (unsigned) =>
        prove(helloBody, unsigned),
      );
    }
    case frame.FrameType.REFUSED: {
      const refused = { ...(fields as unknown as control.Refused), code };
      return control.encodeRefused(refused, (unsigned) => prove(helloBody, unsigned));
    }
    case frame.FrameType.GOAWAY:
      return control.encodeGoAway(fields as unknown as control.GoAway);
    case frame.FrameType.CLOSE:
      return control.encodeClose({ ...(fields as unknown as control.Close), code });
    case frame.FrameType.TRACE:
      return present(control.encodeTrace(fields as unknown as control.Trace));
    default:
      return control.encodeNumber(Number(fields['nonce'] ?? fields['cursor']));
  }
}

function sessionOf(fields: Fields): control.Welcome['session'] {
  if (fields['mode'] === 'resumed') return { ...(fields as unknown as control.ResumedSession), type: 'resumed' };
  const { id, secret: drawn, epoch, finalCursor, loss } = fields as unknown as Readonly<Record<string, never>>;
  const code: EndCode | undefined = Number(loss) === 0 ? undefined : endCodeOf(Number(loss));
  return {
    type: 'new',
    id: sessionId(String(id)),
    secret: new Uint8Array(Buffer.from(String(drawn), 'hex')),
    epoch: Number(epoch),
    finalCursor,
    loss: code,
  };
}

function encodeMessage(fields: Fields, checksum: frame.Checksum | undefined): Uint8Array {
  const kind = frame.Kind[fields['kind'] as keyof typeof frame.Kind];
  const flags = fields['fragment'] === true ? kind | frame.FRAGMENT_FLAG : kind;
  const body = payloadOf(fields);
  const bytes = new Uint8Array(frame.HEADER_BYTES + body.length);
  const length = typeof fields['length'] === 'number' ? fields['length'] : body.length;
  frame.writeHeader(bytes, 0, frame.FrameType[fields.type], flags, Number(fields['seq']), length);
  bytes.set(body, frame.HEADER_BYTES);
  if (checksum !== undefined) frame.stampChecksum(bytes, 0, bytes.length, checksum);
  return bytes;
}

function payloadOf(fields: Fields): Uint8Array {
  if (fields['fragment'] === true) {
    const head = new Uint8Array(frame.FRAGMENT_HEADER_BYTES);
    frame.writeU32(head, 0, Number(fields['total']));
    frame.writeU32(head, 4, Number(fields['offset']));
    return head;
  }
  if (fields.type === 'ORDERED') return encodeValue(fields['value']);
  if (fields['kind'] === 'RESULT') return encodeResult(fields['result'] as Result);
  if (fields['kind'] === 'CANCEL') return numberOf(fields['cancel'] as { seq: number });
  const { seq, status, error } = fields['receipt'] as { seq: number; status: number; error?: Record<string, string> };
  const item =
    error === undefined ? new Uint8Array(0) : encodeValue([error['name'], error['message'], error['code']], 'error');
  const receipt = new Uint8Array(9 + item.length);
  frame.writeU64(receipt, 0, seq);
  receipt[8] = status;
  receipt.set(item, 9);
  return receipt;
}

interface Result {
  readonly seq: number;
  readonly status: number;
  readonly value?: readonly unknown[];
}

function encodeResult({ seq, status, value }: Result): Uint8Array {
  const item =
    value === undefined ? new Uint8Array(0) : encodeValue(value.map((each) => each ?? undefined), 'result'); // prettier-ignore
  return new Uint8Array(Buffer.concat([numberOf({ seq }), Uint8Array.of(status), item]));
}

function numberOf({ seq }: { readonly seq: number }): Uint8Array {
  const bytes = new Uint8Array(8);
  frame.writeU64(bytes, 0, seq);
  return bytes;
}

describe('the values', () => {
  const shared = { a: 1 };
  const loop: unknown[] = ['loop'];
  loop.push(loop);
  const values = new Map<string, unknown>([
    ['undefined', undefined],
    ['NaN', NaN],
    ['-0', -0],
    ['1.5', 1.5],
    ['2**53-1', 2 ** 53 - 1],
    ['-(2**53-1)', -(2 ** 53 - 1)],
    ['{ a: 1 }', { a: 1 }],
    ['Uint8Array.of(1, 2)', Uint8Array.of(1, 2)],
    ['new Date(1700000000000)', new Date(1_700_000_000_000)],
    ['new Date(NaN)', new Date(Number.NaN)],
    ["new Map([['a', 1], [2, true]])", new Map<unknown, unknown>([['a', 1], [2, true]])], // prettier-ignore
    ['new Set([1, 2])', new Set([1, 2])],
    ['0n', 0n],
    ['-255n', -255n],
    ['2n**64n', 2n ** 64n],
    ["new RangeError('no')", new RangeError('no')],
    [
      "Object.assign(new Error('x', { cause: 1 }), { code: 'E1' })",
      Object.assign(new Error('x', { cause: 1 }), { code: 'E1' }),
    ],
    ['const a = { a: 1 }; [a, a]', [shared, shared]],
    ["const a = ['loop']; a.push(a); a", loop],
  ]);
  const lines = hexBlocks.get('values') ?? [];

  it('are those that the test knows', () => {
    expect(lines.map(([, notation]) => notation)).toEqual([...values.keys()]);
  });

  it.each(lines)('%s is %s', (hex, notation) => {
    const value = values.get(notation);
    const bytes = new Uint8Array(Buffer.from(hex, 'hex'));
    expect(decodeValue(bytes, 0, bytes.length)).toEqual(value);
    expect(hexOf(encodeValue(value, 'value'))).toBe(hex);
  });
});

describe('the tables', () => {
  /** The cells of all rows of the page that begin with a cell of this form. */
  function rowsOf(first: RegExp): readonly (readonly string[])[] {
    const rows = page.split('\n').filter((line) => line.startsWith('|'));
    return rows
      .map((row) =>
        row
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
      .filter(([cell = '']) => first.test(cell));
  }

  const numberIn = (cell: string | undefined): number => Number((cell ?? '').replaceAll(/[^\d]/g, ''));

  it('of frame types has every type with its bound', () => {
    const rows = rowsOf(/^`0x[0-9a-f]{2}`$/).map(([type = '', name, bytes]) => [
      name,
      Number(type.slice(1, -1)),
      numberIn(bytes),
    ]);
    expect(rows).toEqual(Object.entries(frame.FrameType).map(([name, type]) => [name, type, frame.bodyBytesMax(type)]));
  });

  it('of codes has every code with its number and meaning', () => {
    const rows = rowsOf(/^[12]\d\d$/).map(([number, code, meaning]) => [Number(number), code, meaning]);
    expect(rows).toEqual(Object.entries(endTable).map(([code, row]) => [row.wire, `\`${code}\``, row.meaning]));
  });

  it('of kinds has every kind with its lane', () => {
    const rows = rowsOf(/^(ordered|direct)$/).map(([lane, kind]) => [lane, kind]);
    const ordered = new Set(['EVENT', 'DELIVER', 'CALL', 'WRITE', 'CHANGE', 'SERVICE', 'FORWARD']);
    const kinds = Object.entries(frame.Kind);
    expect(rows).toEqual(
      kinds.map(([kind, number]) => [ordered.has(kind) ? 'ordered' : 'direct', `${number} ${kind}`]),
    );
  });

  it('of results has every status', () => {
    const from = page.indexOf('**Calls.**');
    const statuses = [...page.slice(from, page.indexOf('## 10.')).matchAll(/^ +\| (\d) +\|/gm)];
    expect(statuses.map(([, status]) => Number(status))).toEqual(Object.values(ResultStatus));
  });

  it('of tags has every tag', () => {
    const rows = rowsOf(/^400\d\d$/).map(([tag, name = '']) => [name.toUpperCase(), Number(tag)]);
    expect(rows).toEqual(Object.entries(ValueTag));
  });

  it('of limits has the defaults in their order', () => {
    const first = rowsOf(/^bytes of the payload$/)[0];
    const all = rowsOf(/^(bytes of|depth:|items|elements of|entries of|estimated cost|links)/).map(([, value]) =>
      numberIn(value),
    );
    expect(numberIn(first?.[1])).toBe(defaultWireLimits.messageBytes);
    const { messageBytes, depth, items, arrayItems, mapEntries, textBytes, keyBytes, costBytes } = defaultWireLimits;
    expect(all).toEqual([
      messageBytes,
      depth,
      items,
      arrayItems,
      mapEntries,
      textBytes,
      keyBytes,
      costBytes,
      LINKS_MAX,
    ]);
  });

  it('name every code that the text names', () => {
    const named = [...page.matchAll(/`([a-z]+(?:-[a-z]+)+)`/g)].map(([, code]) => code ?? '');
    expect(named.length).toBeGreaterThan(30);
    expect(named.filter((code) => !Object.hasOwn(endTable, code))).toEqual([]);
  });
});
