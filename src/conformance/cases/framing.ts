/** Frames: how they are cut, what their headers may hold, and messages in fragments. */
import { join, u64 } from '../bytes.ts';
import { HEADER_BYTES, frame, types } from '../frames.ts';
import { write } from '../items.ts';
import type { Scene } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';
import { fragments } from './fragments.ts';

const { alive, closes, control, expects, opens, sends } = step;

const ping = u64(7);

/** A frame of any type; a length that it only claims goes out as a header alone. */
const raw = (says: string, type: number, body: Uint8Array, wrong: Parameters<typeof frame>[3] = {}): Step =>
  sends(says, (scene) => scene.control(type, body, wrong));

const claims = (type: number, length: number): Step =>
  raw(`a header of type 0x${type.toString(16)} with length ${length}`, type, Buffer.alloc(0), { length });

const unheard = (bytes: number): Buffer => write(['unheard', Buffer.alloc(bytes)]);

/** Goes on in pieces of one byte, each a write of its own. */
async function trickle(scene: Scene, bytes: Buffer): Promise<void> {
  for (const byte of bytes) await scene.write(Buffer.of(byte));
}

const requiresChecksums = expects('checksums to be on', (scene) => scene.requireChecksums());

const headers: readonly Case[] = [
  {
    id: 'F-01',
    level: 'MUST',
    section: 2,
    demand: 'A connection carries frames with a header of 16 bytes; a PING is answered with the same nonce.',
    steps: [opens(), alive()],
  },
  {
    id: 'F-02',
    level: 'MUST',
    section: 2,
    demand: 'A frame may come in any pieces: byte by byte.',
    steps: [
      opens(),
      step.does('an event, byte by byte', (scene) =>
        scene.line.undisturbed(() => trickle(scene, scene.say('EVENT', 'unheard'))),
      ),
      step.processed(),
    ],
  },
  {
    id: 'F-03',
    level: 'MUST',
    section: 2,
    demand: 'A frame may be cut at every byte of its header.',
    steps: [
      opens(),
      step.does('16 events, each cut elsewhere', (scene) =>
        scene.line.undisturbed(async () => {
          for (let at = 1; at <= HEADER_BYTES; at += 1) {
            const bytes = scene.say('EVENT', 'unheard', at);
            await scene.write(bytes.subarray(0, at));
            await scene.write(bytes.subarray(at));
          }
        }),
      ),
      step.processed(),
    ],
  },
  {
    id: 'F-04',
    level: 'MUST',
    section: 2,
    demand: 'Many frames may come in one piece.',
    steps: [
      opens(),
      sends('200 events in one write', (scene) =>
        join(...Array.from({ length: 200 }, (_, index) => scene.say('EVENT', 'unheard', index))),
      ),
      step.processed(),
    ],
  },
  ...[0x00, 0x0a, 0x12, 0x7f].map((type, index): Case => ({
    id: `F-0${5 + index}`,
    level: 'MUST',
    section: 2,
    demand: `Type 0x${type.toString(16).padStart(2, '0')} is unknown and below 0x80: unknown-frame.`,
    steps: [opens(), raw('a frame of it', type, Buffer.alloc(0)), closes('unknown-frame')],
  })),
  {
    id: 'F-09',
    level: 'MUST',
    section: 2,
    demand: 'Unknown types from 0x80 on are skipped, whatever their flags and seq.',
    steps: [
      opens(),
      raw('type 0x80 with flags 255 and an unsafe seq', 0x80, Buffer.from('later'), {
        flags: 255,
        seq: 2n ** 56n - 1n,
      }),
      alive(),
    ],
  },
  {
    id: 'F-10',
    level: 'MUST',
    section: 2,
    demand: 'A frame that is skipped may have 65,544 bytes.',
    steps: [opens(), raw('type 0xff with 65,544 bytes', 0xff, Buffer.alloc(65_544, 1)), alive()],
  },
  {
    id: 'F-11',
    level: 'MUST',
    section: 2,
    demand: 'A frame that would be skipped and is longer is frame-too-large.',
    steps: [opens(), claims(0x80, 65_545), closes('frame-too-large')],
  },
  {
    id: 'F-12',
    level: 'MUST',
    section: 2,
    demand: 'A frame that is skipped has its checksum checked.',
    steps: [
      opens(),
      requiresChecksums,
      raw('type 0x80 with a wrong checksum', 0x80, ping, { checksum: 1 }),
      closes('bad-checksum'),
    ],
  },
  ...(
    [
      ['ACK', 33, 'frame-too-large'],
      ['ACK', 31, 'bad-frame'],
      ['PING', 9, 'frame-too-large'],
      ['PING', 7, 'bad-frame'],
      ['PONG', 9, 'frame-too-large'],
      ['ASK', 0, 'bad-frame'],
      ['GOAWAY', 4_097, 'frame-too-large'],
      ['CLOSE', 4_097, 'frame-too-large'],
      ['ORDERED', 65_545, 'frame-too-large'],
      ['ORDERED', 0xff_ffff, 'frame-too-large'],
      ['DIRECT', 65_545, 'frame-too-large'],
    ] as const
  ).map(([name, length, code], index): Case => ({
    id: `F-${13 + index}`,
    level: 'MUST',
    section: 2,
    demand: `A header of ${name} with length ${length.toLocaleString('en')} is ${code}, before the body has come.`,
    steps: [opens(), claims(types[name], length), closes(code)],
  })),
  {
    id: 'F-24',
    level: 'MUST',
    section: 2,
    demand: 'A checksum that does not match is bad-checksum.',
    steps: [opens(), requiresChecksums, control('PING', ping, { checksum: 0x1234 }), closes('bad-checksum')],
  },
  {
    id: 'F-25',
    level: 'MUST',
    section: 2,
    demand: 'A bit that flipped in a payload is bad-checksum, and the message is not taken.',
    steps: [
      opens(),
      requiresChecksums,
      sends('an event with its last bit flipped', (scene) => {
        const bytes = scene.say('EVENT', 'unheard', 1);
        scene.session.orderedSent = 0;
        bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
        return bytes;
      }),
      closes('bad-checksum'),
      step.livesOn(),
    ],
  },
  {
    id: 'F-26',
    level: 'MUST',
    section: 2,
    demand: 'Without CHECKSUM the field is not looked at, and the server writes 0.',
    steps: [
      opens({ features: 0 }, 'a new session with features 0'),
      control('PING', ping, { checksum: 0xdead }),
      alive(),
    ],
  },
  {
    id: 'F-27',
    level: 'MUST',
    section: 2,
    demand: 'A control frame with flags is bad-frame.',
    steps: [opens(), control('PING', ping, { flags: 1 }), closes('bad-frame')],
  },
  {
    id: 'F-28',
    level: 'MUST',
    section: 2,
    demand: 'A control frame with a seq is bad-frame.',
    steps: [opens(), control('PING', ping, { seq: 1 }), closes('bad-frame')],
  },
  {
    id: 'F-29',
    level: 'MUST',
    section: 2,
    demand: 'A message with seq 0 is bad-frame.',
    steps: [
      opens(),
      sends('EVENT with seq 0', (scene) => scene.ordered('EVENT', unheard(1), { seq: 0 })),
      closes('bad-frame'),
    ],
  },
  ...(
    [
      ['ORDERED', 0],
      ['ORDERED', 8],
      ['ORDERED', 0x41],
      ['ORDERED', 0x11],
      ['DIRECT', 0],
      ['DIRECT', 10],
      ['DIRECT', 0x43],
    ] as const
  ).map(([name, flags], index): Case => ({
    id: `F-${30 + index}`,
    level: 'MUST',
    section: 2,
    demand: `${name} with flags 0x${flags.toString(16).padStart(2, '0')}, which are no kind of that lane, is bad-frame.`,
    steps: [opens(), control(name, u64(1), { flags, seq: 1 }), closes('bad-frame')],
  })),
  {
    id: 'F-37',
    level: 'MUST',
    section: 2,
    demand: 'A seq above 2^53 - 1 is bad-frame.',
    steps: [opens(), control('ORDERED', unheard(1), { flags: 1, seq: 2n ** 53n }), closes('bad-frame')],
  },
  {
    id: 'F-38',
    level: 'MUST',
    section: 2,
    demand: 'A u64 above 2^53 - 1 is bad-frame.',
    steps: [opens(), control('PING', u64(2n ** 53n)), closes('bad-frame')],
  },
  {
    id: 'F-39',
    level: 'MUST',
    section: 2,
    demand: 'A u64 of 2^53 - 1 is a number like any other.',
    steps: [
      opens(),
      sends('PING with it', (scene) => {
        scene.session.nonces.add(2 ** 53 - 1);
        return scene.control(types.PING, u64(2 ** 53 - 1));
      }),
      expects('PONG with it', (scene) =>
        scene.until('PONG', ({ type, body }) => type === types.PONG && body.equals(u64(2 ** 53 - 1))),
      ),
    ],
  },
  ...(
    [
      ['HELLO', Buffer.alloc(80)],
      ['WELCOME', Buffer.alloc(80)],
      ['REFUSED', Buffer.alloc(9)],
    ] as const
  ).map(([name, body], index): Case => ({
    id: `F-${40 + index}`,
    level: 'MUST',
    section: 2,
    demand: `${name} after the handshake is unexpected-frame.`,
    steps: [opens(), sends(name, () => frame(types[name], body, true)), closes('unexpected-frame')],
  })),
];

/** Section 2 and section 8. */
export const framing: Group = {
  name: 'framing',
  about: 'headers, lengths, checksums and fragments',
  cases: [...headers, ...fragments],
};
