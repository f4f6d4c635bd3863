// Control bodies: each comes back as it went, owns its bytes, and is refused when cut, lengthened or out of shape.
import { describe, expect, it } from 'vitest';
import { EPOCH_MAX, sessionId } from '../../../src/ids.ts';
import * as control from '../../../src/wire/control.ts';
import { readU32 } from '../../../src/wire/frame.ts';

const terms: control.Terms = {
  features: control.Feature.CHECKSUM,
  heartbeatIntervalMs: 5_000,
  heartbeatTimeoutMs: 15_000,
  lingerMs: 120_000,
  messageBytes: 1_048_576,
  depth: 32,
  windowMessages: 1_024,
  windowBytes: 0xffff_ffff,
};

const positions: control.Positions = { orderedReceived: 2 ** 53 - 1, cursor: 2 ** 40, directReceived: 3 };

const plainHello: control.Hello = {
  ...terms,
  versionMin: 1,
  versionMax: 1,
  dialNumber: 2 ** 33,
  seenAddress: 'fe80::1%eth0',
  seenPort: 5_555,
  claim: undefined,
  credentials: Uint8Array.of(0xf7),
};

const resumeHello: control.Hello = {
  ...plainHello,
  seenAddress: '',
  seenPort: 0,
  claim: { mode: 'resume', id: sessionId('s-4f'), epoch: 7, ...positions },
};

const renewHello: control.Hello = {
  ...resumeHello,
  claim: { mode: 'renew', id: sessionId('i'.repeat(64)), epoch: EPOCH_MAX + 1, ...positions },
};

const secret = Uint8Array.from({ length: 32 }, (_, i) => i);

const newWelcome: control.Welcome = {
  ...terms,
  version: 1,
  directPort: 6_001,
  session: { type: 'new', id: sessionId('s-1'), secret, epoch: 1, finalCursor: undefined, loss: undefined },
};

const gapWelcome: control.Welcome = {
  ...newWelcome,
  session: { type: 'new', id: sessionId('s-2'), secret, epoch: 8, finalCursor: 0, loss: 'expired' },
};

const resumedWelcome: control.Welcome = { ...newWelcome, session: { type: 'resumed', ...positions } };

const refused: control.Refused = { code: 'refused', retryAfterMs: 0, finalCursor: undefined, reason: 'wrong token' };
const endedRefused: control.Refused = { code: 'ended', retryAfterMs: 250, finalCursor: 12, reason: '' };

/** A stand-in for a proof that shows which bytes were signed. */
function sign(unsigned: Uint8Array): Uint8Array {
  return new Uint8Array(32).fill(unsigned.length & 0xff);
}

type Decode = (bytes: Uint8Array, start: number, end: number) => object | undefined;

const bodies: readonly (readonly [string, object, Uint8Array, Decode])[] = [
  ['a HELLO', plainHello, control.encodeHello(plainHello), control.decodeHello],
  ['a HELLO that resumes', resumeHello, control.encodeHello(resumeHello, sign), control.decodeHello],
  ['a HELLO that renews', renewHello, control.encodeHello(renewHello, sign), control.decodeHello],
  ['a WELCOME to a new session', newWelcome, control.encodeWelcome(newWelcome), control.decodeWelcome],
  ['a WELCOME after a loss', gapWelcome, control.encodeWelcome(gapWelcome, sign), control.decodeWelcome],
  ['a WELCOME back', resumedWelcome, control.encodeWelcome(resumedWelcome, sign), control.decodeWelcome],
  ['a REFUSED', refused, control.encodeRefused(refused), control.decodeRefused],
  ['a REFUSED with a tombstone', endedRefused, control.encodeRefused(endedRefused, sign), control.decodeRefused],
  ['a GOAWAY', ...farewell({ retryAfterMs: 1_000, reason: 'déploiement 🚢' })],
  ['a CLOSE', ...lastFrame({ code: 'seq-gap', retryAfterMs: 0, reason: 'expected seq 8, got 11' })],
];

function farewell(goAway: control.GoAway): [object, Uint8Array, Decode] {
  return [goAway, control.encodeGoAway(goAway), control.decodeGoAway];
}

function lastFrame(close: control.Close): [object, Uint8Array, Decode] {
  return [close, control.encodeClose(close), control.decodeClose];
}

describe.each(bodies)('%s', (_, value, body, decode) => {
  it('comes back as it went, wherever it lies', () => {
    const around = new Uint8Array(body.length + 9).fill(0xee);
    around.set(body, 4);
    expect(decode(around, 4, 4 + body.length)).toMatchObject(value);
  });

  it('is malformed with any number of bytes missing or one too many', () => {
    for (let length = 0; length < body.length; length++)
      expect(decode(body, 0, length), `${length} bytes`).toBeUndefined();
    expect(decode(Uint8Array.of(...body, 0), 0, body.length + 1)).toBeUndefined();
  });

  it('owns its bytes', () => {
    const source = body.slice();
    const decoded = decode(source, 0, source.length);
    source.fill(0xff);
    expect(decoded).toEqual(decode(body, 0, body.length));
  });
});

describe('the proof', () => {
  it.each([
    ['HELLO', control.encodeHello(resumeHello, sign), control.decodeHello],
    ['WELCOME to a resume', control.encodeWelcome(resumedWelcome, sign), control.decodeWelcome],
    ['WELCOME with a final cursor', control.encodeWelcome(gapWelcome, sign), control.decodeWelcome],
    ['REFUSED with a final cursor', control.encodeRefused(endedRefused, sign), control.decodeRefused],
  ] as const)('of a %s is its last 32 bytes, over all before them', (_, body, decode) => {
    const decoded = decode(body, 0, body.length);
    expect(decoded?.unsigned).toEqual(body.subarray(0, -32));
    expect(decoded?.mac).toEqual(sign(body.subarray(0, -32)));
  });

  it('is absent where nothing was claimed', () => {
    const decoded = control.decodeHello(control.encodeHello(plainHello), 0, control.encodeHello(plainHello).length);
    expect(decoded?.mac).toBeUndefined();
    expect(decoded?.unsigned).toEqual(control.encodeHello(plainHello));
  });

  it('needs a sign function and exactly 32 bytes of it', () => {
    expect(() => control.encodeHello(resumeHello)).toThrow('this body ends with a proof');
    expect(() => control.encodeWelcome(resumedWelcome)).toThrow('this body ends with a proof');
    expect(() => control.encodeRefused(endedRefused, () => new Uint8Array(31))).toThrow('32 bytes, got 31');
  });
});

describe('a HELLO', () => {
  it('with credentials that do not fit in 16 KiB is the error of who made them', () => {
    const room = 16_384 - (control.encodeHello(plainHello).length - 1);
    const full = control.encodeHello({ ...plainHello, credentials: new Uint8Array(room) });
    expect(full.length).toBe(16_384);
    expect(control.decodeHello(full, 0, full.length)?.credentials.length).toBe(room);
    expect(() => control.encodeHello({ ...plainHello, credentials: new Uint8Array(room + 1) })).toThrow(
      'expected a HELLO of at most 16384 bytes, got 16385: the credentials are too large',
    );
  });

  it('tells its versions even when the rest is of a later layout', () => {
    const body = control.encodeHello(plainHello);
    body[4] = 2;
    body[5] = 3;
    expect(control.helloVersions(body, 0, 6)).toEqual({ min: 2, max: 3 });
    expect(control.helloVersions(body, 0, 5)).toBeUndefined();
    body[4] = 4;
    expect(control.helloVersions(body, 0, 6)).toBeUndefined();
    body[4] = 0;
    expect(control.helloVersions(body, 0, 6)).toBeUndefined();
  });

  it('begins with HMNG', () => {
    const body = control.encodeHello(plainHello);
    expect(String.fromCharCode(...body.subarray(0, 4))).toBe('HMNG');
    for (let at = 0; at < 4; at++) {
      const altered = body.slice();
      altered[at] = 0x20;
      expect(control.helloVersions(altered, 0, altered.length)).toBeUndefined();
      expect(control.decodeHello(altered, 0, altered.length)).toBeUndefined();
    }
  });

  it('may carry extra bytes that are not looked at', () => {
    const body = control.encodeHello(plainHello);
    const extended = Uint8Array.of(...body.subarray(0, -2), 0, 3, 9, 9, 9);
    expect(control.decodeHello(extended, 0, extended.length)).toMatchObject(plainHello);
  });

  it('is malformed with a mode, an id, an epoch or positions that cannot be', () => {
    const claiming = control.encodeHello(resumeHello, sign);
    const modeAt = claiming.indexOf('s'.charCodeAt(0), 40) - 2;
    expect(claiming[modeAt]).toBe(1);
    claiming[modeAt] = 3;
    expect(control.decodeHello(claiming, 0, claiming.length)).toBeUndefined();
    for (const wrong of [{ epoch: 0 }, { id: sessionId('') }, { cursor: 5, orderedReceived: 4 }]) {
      const body = control.encodeHello(
        { ...plainHello, claim: { mode: 'resume', id: sessionId('s'), epoch: 1, ...positions, ...wrong } },
        sign,
      );
      expect(control.decodeHello(body, 0, body.length), JSON.stringify(wrong)).toBeUndefined();
    }
  });

  it('is malformed with an epoch or a position that is no safe integer', () => {
    const body = control.encodeHello(resumeHello, sign);
    const idAt = body.indexOf('s'.charCodeAt(0), 40);
    for (const field of [0, 8, 16, 24]) {
      const altered = body.slice();
      altered[idAt + 4 + field] = 0x01;
      expect(control.decodeHello(altered, 0, altered.length), `field at ${field}`).toBeUndefined();
    }
  });

  it('has ids and addresses of visible ASCII only', () => {
    const body = control.encodeHello(resumeHello, sign);
    const idAt = body.indexOf('s'.charCodeAt(0), 40);
    for (const unit of [0x00, 0x0a, 0x20, 0x7f, 0xc3]) {
      const altered = body.slice();
      altered[idAt] = unit;
      expect(control.decodeHello(altered, 0, altered.length), `unit ${unit}`).toBeUndefined();
    }
    expect(() => control.encodeHello({ ...plainHello, seenAddress: 'a b' })).toThrow('visible ASCII');
    expect(() => control.encodeHello({ ...plainHello, seenAddress: 'a'.repeat(256) })).toThrow(
      'at most 255 bytes, got 256',
    );
  });
});

describe('a WELCOME', () => {
  it('is malformed with a mode it does not have', () => {
    const body = control.encodeWelcome(newWelcome);
    expect(body[32]).toBe(0);
    body[32] = 2;
    expect(control.decodeWelcome(body, 0, body.length)).toBeUndefined();
  });

  it('is malformed with a cursor ahead of what was received', () => {
    const session = { type: 'resumed', orderedReceived: 3, cursor: 4, directReceived: 0 } as const;
    const body = control.encodeWelcome({ ...newWelcome, session }, sign);
    expect(control.decodeWelcome(body, 0, body.length)).toBeUndefined();
  });

  it('needs a secret of 32 bytes', () => {
    const session = { ...newWelcome.session, secret: new Uint8Array(31) } as control.NewSession;
    expect(() => control.encodeWelcome({ ...newWelcome, session })).toThrow('expected a secret of 32 bytes, got 31');
  });
});

describe('a REFUSED', () => {
  it('is malformed with anything but 0 or 1 in front of the final cursor', () => {
    const body = control.encodeRefused(refused);
    expect(body[6]).toBe(0);
    body[6] = 2;
    expect(control.decodeRefused(body, 0, body.length)).toBeUndefined();
  });
});

describe('a reason', () => {
  it('longer than 1,024 bytes is cut between two characters', () => {
    const body = control.encodeClose({ code: 'ended', retryAfterMs: 0, reason: 'a' + '🚢'.repeat(400) });
    expect(control.decodeClose(body, 0, body.length)?.reason).toBe('a' + '🚢'.repeat(255));
  });

  it('keeps a byte order mark and loses lone surrogates only', () => {
    const body = control.encodeGoAway({ retryAfterMs: 0, reason: '\ufeffa\ud800b' });
    expect(control.decodeGoAway(body, 0, body.length)?.reason).toBe('\ufeffa\ufffdb');
  });

  it('is malformed when it is no UTF-8 or longer than allowed', () => {
    const body = control.encodeGoAway({ retryAfterMs: 0, reason: 'ab' });
    body[6] = 0xc0;
    expect(control.decodeGoAway(body, 0, body.length)).toBeUndefined();
    const long = new Uint8Array(6 + 1_025).fill(0x61);
    long.set([0, 0, 0, 0, 0x04, 0x01]);
    expect(control.decodeGoAway(long, 0, long.length)).toBeUndefined();
    long.set([0, 0, 0, 0, 0x04, 0x00]);
    expect(control.decodeGoAway(long, 0, long.length - 1)?.reason.length).toBe(1_024);
  });
});

describe('a code from the wire', () => {
  it('that this version does not know falls back on its class', () => {
    const body = control.encodeClose({ code: 'ended', retryAfterMs: 0, reason: '' });
    for (const [high, low, code] of [
      [0, 199, 'line-lost'],
      [1, 43, 'ended'],
    ] as const) {
      body.set([high, low]);
      expect(control.decodeClose(body, 0, body.length)?.code).toBe(code);
    }
  });
});

describe('an ACK', () => {
  const into: control.MutableAck = {
    orderedReceived: 0,
    cursor: 0,
    directReceived: 0,
    windowMessages: 0,
    windowBytes: 0,
  };

  it('is a frame of 48 bytes that is read back in place', () => {
    const target = new Uint8Array(control.ACK_FRAME_BYTES + 2);
    control.writeAck(target, 1, 2 ** 53 - 1, 2 ** 52, 17, 0xffff_ffff, 0x8000_0000);
    expect([target[0], target[5], target[8], target[49]]).toEqual([0, 4, 32, 0]);
    expect(readU32(target, 1)).toBe(0);
    expect(control.readAck(target, 17, into)).toBe(true);
    expect(into).toEqual({
      orderedReceived: 2 ** 53 - 1,
      cursor: 2 ** 52,
      directReceived: 17,
      windowMessages: 0xffff_ffff,
      windowBytes: 0x8000_0000,
    });
  });

  it('is malformed with a position that is no safe integer or a cursor ahead of what was received', () => {
    const body = new Uint8Array(control.ACK_FRAME_BYTES);
    for (const at of [16, 24, 32]) {
      control.writeAck(body, 0, 5, 5, 5, 1, 1);
      expect(control.readAck(body, 16, into)).toBe(true);
      body[at] = 0x80;
      expect(control.readAck(body, 16, into), `position at ${at}`).toBe(false);
    }
    control.writeAck(body, 0, 5, 6, 5, 1, 1);
    expect(control.readAck(body, 16, into)).toBe(false);
  });
});

describe('a number', () => {
  it('of PING, PONG and ASK comes back, and is -1 when it is no safe integer', () => {
    for (const value of [0, 1, 2 ** 53 - 1]) expect(control.readNumber(control.encodeNumber(value), 0)).toBe(value);
    expect(control.readNumber(new Uint8Array(8).fill(0xff), 0)).toBe(-1);
  });
});

describe('the depth that an end takes', () => {
  it.each([4, 128])('may be %i', (depth) => {
    const hello = control.encodeHello({ ...plainHello, depth });
    const welcome = control.encodeWelcome({ ...newWelcome, depth });
    expect(control.decodeHello(hello, 0, hello.length)?.depth).toBe(depth);
    expect(control.decodeWelcome(welcome, 0, welcome.length)?.depth).toBe(depth);
  });

  it.each([0, 3, 129, 255])('makes a HELLO and a WELCOME malformed when it is %i', (depth) => {
    const hello = control.encodeHello({ ...plainHello, depth });
    const welcome = control.encodeWelcome({ ...newWelcome, depth });
    expect(control.decodeHello(hello, 0, hello.length)).toBeUndefined();
    expect(control.decodeWelcome(welcome, 0, welcome.length)).toBeUndefined();
  });
});

describe('a field that its value does not fit', () => {
  it('breaks an invariant instead of carrying another value', () => {
    for (const lingerMs of [2 ** 32, -1, 0.5, Infinity, NaN]) {
      expect(() => control.encodeHello({ ...plainHello, lingerMs })).toThrow(
        `expected an integer from 0 to 4294967295, got ${lingerMs}`,
      );
    }
    expect(() => control.encodeHello({ ...plainHello, seenPort: 65_536 })).toThrow('from 0 to 65535, got 65536');
    expect(() => control.encodeHello({ ...plainHello, versionMax: 256 })).toThrow('from 0 to 255, got 256');
  });
});
