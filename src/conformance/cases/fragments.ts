/** Messages in fragments. */
import { goAway } from '../bodies.ts';
import { join, u32, u64 } from '../bytes.ts';
import { FRAGMENT, PIECE_BYTES, directKinds, orderedKinds, types } from '../frames.ts';
import { write } from '../items.ts';
import type { Scene } from '../scene.ts';
import type { Case } from '../steps.ts';
import * as step from '../steps.ts';
import { must } from '../scene.ts';

const { alive, closes, control, expects, opens, sends } = step;

const unheard = (bytes: number): Buffer => write(['unheard', Buffer.alloc(bytes)]);

const big = 100_000;

/** Pieces of an event whose payload is a byte string, as the page wants them. */
const piece = (scene: Scene, from: number, to: number, total?: number): Buffer => {
  const payload = unheard(big);
  return scene.fragment(total ?? payload.length, from, payload.subarray(from, to));
};

const bigBytes = unheard(big).length;

/** Section 8. */
export const fragments: readonly Case[] = [
  {
    id: 'F-43',
    level: 'MUST',
    section: 8,
    demand: 'A message of more than 65,536 bytes comes in fragments and is processed once it is whole.',
    steps: [opens(), step.payload(unheard(big)), step.processed()],
  },
  {
    id: 'F-44',
    level: 'MUST',
    section: 8,
    demand: 'A payload of 65,537 bytes in one frame is refused.',
    steps: [
      opens(),
      control('ORDERED', Buffer.alloc(PIECE_BYTES + 1), { flags: 1, seq: 1 }),
      closes('frame-too-large', 'bad-frame'),
    ],
  },
  {
    id: 'F-45',
    level: 'MUST',
    section: 8,
    demand: 'Pieces need not be full.',
    steps: [
      opens(),
      sends('a message in pieces of 20,000 bytes', (scene) => {
        const parts = Array.from({ length: 6 }, (_, index) => piece(scene, index * 20_000, (index + 1) * 20_000));
        scene.session.orderedSent = 1;
        return join(...parts);
      }),
      step.processed(),
    ],
  },
  {
    id: 'F-46',
    level: 'MUST',
    section: 8,
    demand: 'Control frames and the other lane may stand between fragments.',
    steps: [
      opens(),
      sends('the first fragment', (scene) => piece(scene, 0, PIECE_BYTES)),
      alive(),
      step.direct('CANCEL', u64(1)),
      step.received(),
      sends('the last fragment', (scene) => {
        const last = piece(scene, PIECE_BYTES, bigBytes);
        scene.session.orderedSent = 1;
        return last;
      }),
      step.processed(),
    ],
  },
  ...(
    [
      ['A first fragment whose offset is not 0', [(scene: Scene) => piece(scene, 1, PIECE_BYTES)]],
      [
        'A fragment that leaves bytes out',
        [(scene: Scene) => piece(scene, 0, 30_000), (scene: Scene) => piece(scene, 30_001, 60_000)],
      ],
      [
        'A fragment that comes again',
        [(scene: Scene) => piece(scene, 0, 30_000), (scene: Scene) => piece(scene, 0, 30_000)],
      ],
      [
        'A piece beyond the total',
        [
          (scene: Scene) => scene.fragment(70_000, 0, Buffer.alloc(PIECE_BYTES)),
          (scene: Scene) => scene.fragment(70_000, PIECE_BYTES, Buffer.alloc(4_465)),
        ],
      ],
      [
        'A second fragment with another total',
        [(scene: Scene) => piece(scene, 0, 30_000), (scene: Scene) => piece(scene, 30_000, 60_000, bigBytes + 1)],
      ],
      [
        'A second fragment with another kind',
        [
          (scene: Scene) => piece(scene, 0, 30_000),
          (scene: Scene) => scene.fragment(bigBytes, 30_000, Buffer.alloc(10), { flags: orderedKinds.CALL }),
        ],
      ],
      ['An empty piece', [(scene: Scene) => scene.fragment(bigBytes, 0, Buffer.alloc(0))]],
      [
        'A whole message amid the fragments of another with the same seq',
        [
          (scene: Scene) => piece(scene, 0, 30_000),
          (scene: Scene) => scene.control(types.ORDERED, unheard(1), { flags: 1, seq: 1 }),
        ],
      ],
    ] as const
  ).map(([what, parts], index): Case => ({
    id: `F-${47 + index}`,
    level: 'MUST',
    section: 8,
    demand: `${what} is bad-frame.`,
    steps: [opens(), ...parts.map((part) => sends('such frames', part)), closes('bad-frame')],
  })),
  {
    id: 'F-55',
    level: 'MUST',
    section: 8,
    demand: 'The next message amid the fragments of one is bad-frame or seq-gap.',
    steps: [
      opens(),
      sends('the first fragment of seq 1, then a whole seq 2', (scene) =>
        join(piece(scene, 0, 30_000), scene.control(types.ORDERED, unheard(1), { flags: 1, seq: 2 })),
      ),
      closes('bad-frame', 'seq-gap'),
    ],
  },
  {
    id: 'F-56',
    level: 'MUST',
    section: 8,
    demand: 'Fragments are rules of the direct lane as well: one whose offset is not 0 is bad-frame.',
    steps: [
      opens(),
      sends('a RESULT that begins at offset 1', (scene) =>
        scene.control(types.DIRECT, join(u32(70_000), u32(1), Buffer.alloc(9)), {
          flags: directKinds.RESULT | FRAGMENT,
          seq: 1,
        }),
      ),
      closes('bad-frame'),
    ],
  },
  {
    id: 'F-57',
    level: 'MUST',
    section: 8,
    demand: 'A message that was not whole when its connection ended is sent again from its first fragment.',
    steps: [
      opens(),
      sends('the first fragment', (scene) => piece(scene, 0, PIECE_BYTES)),
      alive(),
      step.cuts(),
      step.resumes(),
      expects('that nothing was received', (scene) =>
        must(scene.welcome.orderedReceived === 0, 'it counts a message that is not whole as received'),
      ),
      step.payload(unheard(big)),
      step.processed(),
    ],
  },
  {
    id: 'F-58',
    level: 'MUST',
    section: 8,
    demand: 'A connection that goes on with the second fragment of an earlier one is closed with bad-frame.',
    steps: [
      opens(),
      sends('the first fragment', (scene) => piece(scene, 0, PIECE_BYTES)),
      alive(),
      step.cuts(),
      step.resumes(),
      sends('the second fragment', (scene) => piece(scene, PIECE_BYTES, bigBytes)),
      closes('bad-frame'),
    ],
  },
  {
    id: 'F-59',
    level: 'MUST',
    section: 8,
    target: true,
    demand: 'What the server sends beyond 65,536 bytes comes in fragments that follow each other.',
    steps: [
      opens(),
      step.says('EVENT', 'big', 200_000),
      step.hears('EVENT', 'blob', Buffer.alloc(200_000)),
      control('GOAWAY', goAway()),
    ],
  },
  {
    id: 'F-60',
    level: 'MUST',
    section: 8,
    demand: 'A message that would travel whole is bad-frame in fragments: from 65,536 bytes down.',
    steps: [
      opens(),
      sends('the first fragment of a message of 65,536 bytes', (scene) =>
        scene.fragment(PIECE_BYTES, 0, Buffer.alloc(1_000)),
      ),
      closes('bad-frame'),
    ],
  },
];
