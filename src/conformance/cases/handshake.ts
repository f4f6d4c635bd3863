/** From the first byte to WELCOME or REFUSED. */
import { type HelloFields, hello as helloBody, plainHello } from '../bodies.ts';
import { Failed, join, u64 } from '../bytes.ts';
import { frame, types } from '../frames.ts';
import { type Scene, must, same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { closes, dials, expects, hello, refuses, sends, welcome } = step;

/** A HELLO whose body is changed after it was made. */
const altered = (says: string, alter: (body: Buffer) => Uint8Array, given: Partial<HelloFields> = {}): Step =>
  sends(`HELLO ${says}`, () => frame(types.HELLO, alter(helloBody({ ...plainHello, ...given })), true));

const at = (index: number, value: number) => (body: Buffer) => {
  body.writeUInt8(value, index);
  return body;
};

const unknown: Partial<HelloFields> = { mode: 1, id: 'no-such-session', epoch: 3, secret: Buffer.alloc(32, 7) };

const wellFormed: readonly Case[] = [
  {
    id: 'H-01',
    level: 'MUST',
    section: 4,
    demand: 'HELLO mode 0 makes a new session: version 1, epoch 1, no loss, an id and a secret.',
    steps: [
      hello('HELLO'),
      welcome('mode 0', ({ version, mode, epoch, lossCode, finalCursor }) =>
        same('the WELCOME', [version, mode, epoch, lossCode, finalCursor], [1, 0, 1, 0, undefined]),
      ),
    ],
  },
  {
    id: 'H-02',
    level: 'MUST',
    section: 4,
    demand: 'Each new session has an id and a secret of its own.',
    steps: [
      step.opens(),
      step.opens({}, 'another one'),
      expects('two ids and two secrets', ({ session, former }) => {
        must(session.id !== former?.id, 'it gave two sessions one id');
        must(former?.secret.equals(session.secret) === false, 'it gave two sessions one secret');
      }),
    ],
  },
  {
    id: 'H-03',
    level: 'MUST',
    section: 16,
    demand: 'Feature bits that the server does not know are never on.',
    steps: [
      hello('HELLO with all feature bits', { features: 0xffff_ffff }),
      welcome('with CHECKSUM at most', ({ features }) => must(features <= 1, `it agrees to features ${features}`)),
    ],
  },
  {
    id: 'H-04',
    level: 'MUST',
    section: 4,
    demand: 'A feature that HELLO does not have is never on.',
    steps: [
      hello('HELLO with features 0', { features: 0 }),
      welcome('with features 0', ({ features }) => same('the features', features, 0)),
    ],
  },
  {
    id: 'H-05',
    level: 'MUST',
    section: 4,
    demand: 'HELLO may come byte by byte.',
    steps: [
      dials(),
      step.does('HELLO, byte by byte', async (scene) => {
        for (const byte of scene.hello()) await scene.write(Buffer.of(byte));
      }),
      welcome(''),
    ],
  },
  {
    id: 'H-06',
    level: 'MUST',
    section: 16,
    demand: 'The highest version in common is chosen.',
    steps: [
      hello('HELLO with versions 1 to 255', { versionMax: 255 }),
      welcome('with version 1', ({ version }) => same('the version', version, 1)),
    ],
  },
  {
    id: 'H-07',
    level: 'MUST',
    section: 4,
    demand: 'No version in common: version-unsupported.',
    steps: [hello('HELLO with versions 2 to 9', { versionMin: 2, versionMax: 9 }), refuses('version-unsupported')],
  },
  {
    id: 'H-08',
    level: 'MUST',
    section: 4,
    demand: 'The versions are readable whatever the rest looks like.',
    steps: [
      dials(),
      altered('of version 2 with another layout', (body) => join(body.subarray(0, 6), Buffer.from('later')), {
        versionMin: 2,
        versionMax: 2,
      }),
      refuses('version-unsupported'),
    ],
  },
  {
    id: 'H-09',
    level: 'MUST',
    section: 3,
    demand: 'The extra bytes of a HELLO are ignored.',
    steps: [hello('HELLO with 300 extra bytes', { extra: Buffer.alloc(300, 9) }), welcome('')],
  },
  {
    id: 'H-10',
    level: 'MUST',
    section: 3,
    demand: 'What is granted of lingerMs is at most what HELLO wanted.',
    steps: [
      hello('HELLO with lingerMs 777', { lingerMs: 777 }),
      welcome('with at most that', ({ lingerMs }) => must(lingerMs <= 777, `it grants ${lingerMs} ms`)),
    ],
  },
  {
    id: 'H-11',
    level: 'MUST',
    section: 4,
    demand: 'directPort is named only to a client that sees the address of the server itself.',
    steps: [
      hello('HELLO with a seen address that is another', { seenAddress: '192.0.2.1', seenPort: 9 }),
      welcome('with directPort 0', ({ directPort }) => same('directPort', directPort, 0)),
    ],
  },
  {
    id: 'H-12',
    level: 'MUST',
    section: 4,
    demand: 'A session whose first WELCOME was not answered is kept and can be resumed.',
    steps: [hello('HELLO'), welcome('mode 0'), step.cuts(), step.livesOn()],
  },
  {
    id: 'H-13',
    level: 'MUST',
    section: 4,
    demand: 'Before HELLO the server says nothing.',
    steps: [
      dials(),
      expects('nothing for 300 ms', async (scene) => {
        const arrival = await scene.line.next(performance.now() + 300);
        if (arrival !== 'late') throw new Failed(`it sent ${arrival?.name ?? 'an end'} before HELLO`);
      }),
    ],
  },
  {
    id: 'H-14',
    level: 'MUST',
    section: 4,
    demand: 'A claim on an id that is not known makes a new session, with a fresh id and the next epoch.',
    steps: [
      hello('HELLO mode 1 for no known session, epoch 3', unknown),
      welcome('mode 0, epoch 4, history-lost', ({ mode, epoch, lossCode, finalCursor, id }) => {
        same('the WELCOME', [mode, epoch, lossCode, finalCursor], [0, 4, 108, undefined]);
        must(id !== unknown.id, 'it took the id from the wire');
      }),
    ],
  },
  {
    id: 'H-15',
    level: 'MUST',
    section: 4,
    demand: 'A claimed epoch of 2^32 has no next one: epoch-refused.',
    steps: [hello('HELLO mode 1 with epoch 2^32', { ...unknown, epoch: 2 ** 32 }), refuses('epoch-refused')],
  },
  {
    id: 'H-16',
    level: 'MUST',
    section: 11,
    demand: 'The last epoch is 2^32.',
    steps: [
      hello('HELLO mode 1 with epoch 2^32 - 1', { ...unknown, epoch: 2 ** 32 - 1 }),
      welcome('with epoch 2^32', ({ epoch }) => same('the epoch', epoch, 2 ** 32)),
    ],
  },
  {
    id: 'H-17',
    level: 'MUST',
    section: 4,
    demand: 'Mode 2 for an id that is not known gives a new session with the next epoch as well.',
    steps: [
      hello('HELLO mode 2 for no known session, epoch 3', { ...unknown, mode: 2 }),
      welcome('mode 0, epoch 4', ({ mode, epoch }) => same('the WELCOME', [mode, epoch], [0, 4])),
    ],
  },
];

const malformed: readonly (readonly [says: string, step: Step])[] = [
  ['with another magic', altered('with another magic', at(0, 0x47))],
  ['with versionMin 0', altered('with versionMin 0', at(4, 0))],
  ['with versionMax below versionMin', altered('with versions 1 to 0', at(5, 0))],
  ['of five bytes', altered('of five bytes', (body) => body.subarray(0, 5))],
  ['without its last byte', altered('without its last byte', (body) => body.subarray(0, -1))],
  ['with a byte left over', altered('with a byte left over', (body) => join(body, Buffer.of(0)))],
  ['with mode 3', altered('with mode 3', (body) => body, { mode: 3, id: 'a', epoch: 1 })],
  ['with depth 3', altered('with depth 3', (body) => body, { depth: 3 })],
  ['with depth 129', altered('with depth 129', (body) => body, { depth: 129 })],
  ['with a blank in seenAddress', altered('with a blank in seenAddress', (body) => body, { seenAddress: '127 0' })],
  ['with an empty id', altered('with an empty id', (body) => body, { ...unknown, id: '' })],
  ['with an id of 65 bytes', altered('with an id of 65 bytes', (body) => body, { ...unknown, id: 'i'.repeat(65) })],
  ['with epoch 0', altered('with epoch 0', (body) => body, { ...unknown, epoch: 0 })],
  ['with a cursor above orderedReceived', altered('with cursor 1, orderedReceived 0', (body) => body, { ...unknown, cursor: 1 })], // prettier-ignore
  ['with a claim and no mac', altered('without its mac', (body) => body.subarray(0, -32), unknown)],
  [
    'with a dial number above 2^53 - 1',
    altered('with dialNumber 2^63', (body) => (body.set(u64(2n ** 63n), 35), body)),
  ],
];

const refused: readonly Case[] = malformed.map(([what, bad], index) => ({
  id: `H-${18 + index}`,
  level: 'MUST',
  section: 3,
  demand: `A HELLO ${what} is malformed: bad-frame.`,
  steps: [dials(), bad, closes('bad-frame')],
}));

const early: readonly Case[] = [
  {
    id: 'H-34',
    level: 'MUST',
    section: 2,
    demand: 'HELLO carries its checksum, also where the client wants none: 0 is bad-checksum.',
    steps: [
      dials(),
      sends('HELLO with features 0 and checksum 0', () =>
        frame(types.HELLO, helloBody({ ...plainHello, features: 0 }), false),
      ),
      closes('bad-checksum'),
    ],
  },
  {
    id: 'H-35',
    level: 'MUST',
    section: 2,
    demand: 'A HELLO with a wrong checksum is bad-checksum.',
    steps: [
      dials(),
      sends('HELLO with another checksum', () => frame(types.HELLO, helloBody(plainHello), true, { checksum: 5 })),
      closes('bad-checksum'),
    ],
  },
  {
    id: 'H-36',
    level: 'MUST',
    section: 2,
    demand: 'A HELLO of more than 16,384 bytes is frame-too-large, before its body has come.',
    steps: [
      dials(),
      sends('a header of HELLO with length 16,385', () =>
        frame(types.HELLO, Buffer.alloc(0), true, { length: 16_385 }),
      ),
      closes('frame-too-large'),
    ],
  },
  ...(['ACK', 'PING', 'ORDERED', 'WELCOME', 'GOAWAY'] as const).map((name, index): Case => ({
    id: `H-${37 + index}`,
    level: 'MUST',
    section: 4,
    demand: `${name} as the first frame is unexpected-frame.`,
    steps: [
      dials(),
      sends(name, () =>
        name === 'ORDERED'
          ? frame(types.ORDERED, Buffer.from([0x81, 0x61, 0x61]), true, { flags: 1, seq: 1 })
          : frame(types[name], Buffer.alloc({ ACK: 32, PING: 8, WELCOME: 80, GOAWAY: 6 }[name]), true),
      ),
      closes('unexpected-frame'),
    ],
  })),
  {
    id: 'H-42',
    level: 'MUST',
    section: 4,
    demand: 'A second HELLO in the same piece as the first is unexpected-frame, and makes no second session.',
    steps: [dials(), sends('HELLO twice', (scene) => join(scene.hello(), scene.hello())), closes('unexpected-frame')],
  },
  {
    id: 'H-43',
    level: 'MUST',
    section: 4,
    demand: 'Bytes that are no frame are answered with CLOSE or an end, never with WELCOME.',
    steps: [
      dials(),
      sends('a request of HTTP', () => Buffer.from('GET / HTTP/1.1\r\nHost: here\r\n\r\n')),
      expects('an end without WELCOME', async (scene) => {
        await scene.over();
        same('the sessions', scene.messages.length, 0);
      }),
    ],
  },
  ...(
    [
      ['outside of the profile', '9f01ff'],
      ['with bytes behind them', 'f700'],
      ['that are empty', ''],
    ] as const
  ).map(([what, bytes], index): Case => ({
    id: `H-${44 + index}`,
    level: 'MUST',
    section: 10,
    demand: `Credentials ${what} are payload-refused.`,
    steps: [
      hello(`HELLO with credentials ${what}`, { credentials: Buffer.from(bytes, 'hex') }),
      closes('payload-refused'),
    ],
  })),
  {
    id: 'H-47',
    level: 'MUST',
    section: 4,
    demand: 'A new session begins with its first ACK, and messages may follow at once.',
    steps: [
      hello('HELLO'),
      welcome(''),
      sends('ACK and an event in one write', (scene) => join(scene.ack(), scene.say('EVENT', 'unheard'))),
      step.processed(),
    ],
  },
  ...(
    [
      ['An event', (scene: Scene) => scene.say('EVENT', 'unheard')],
      ['A PING', (scene: Scene) => scene.control(types.PING, Buffer.alloc(8))],
      ['A frame of type 0x80', (scene: Scene) => scene.control(0x80, Buffer.alloc(8))],
    ] as const
  ).map(([what, bytes], index): Case => ({
    id: `H-${48 + index}`,
    level: 'MUST',
    section: 4,
    demand: `${what} instead of the first ACK is unexpected-frame.`,
    steps: [hello('HELLO'), welcome(''), sends(what, bytes), closes('unexpected-frame')],
  })),
  {
    id: 'H-51',
    level: 'MUST',
    section: 2,
    demand: 'Before HELLO nothing is skipped: type 0x80 as the first frame is unexpected-frame.',
    steps: [dials(), sends('a frame of it', () => frame(0x80, Buffer.alloc(8), true)), closes('unexpected-frame')],
  },
];

/** Section 4 up to WELCOME. */
export const handshake: Group = {
  name: 'handshake',
  about: 'HELLO, WELCOME, REFUSED and what may not come before them',
  cases: [...wellFormed, ...refused, ...early],
};
