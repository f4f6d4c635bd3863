/** Coming back: proof, dial numbers, positions, gaps, and what is sent again. */
import type { Ending, HelloFields } from '../bodies.ts';
import { Failed } from '../bytes.ts';
import { type Scene, must, same } from '../scene.ts';
import { resent } from './resent.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { cuts, does, expects, hello, livesOn, opens, processed, refuses, resumed, resumes, says, welcome } = step;

const event = (): Step => says('EVENT', 'unheard');

/** A gap: a new session with the next epoch, and why the old one is gone. */
const gap = (code: number, check: (scene: Scene) => void = () => {}): Step =>
  welcome(`mode 0 with the next epoch and lossCode ${code}`, ({ mode, epoch, lossCode, id }, scene) => {
    same('mode, epoch and lossCode', [mode, epoch, lossCode], [0, (scene.former?.epoch ?? 0) + 1, code]);
    must(id !== scene.former?.id, 'the new session has the id of the old one');
    check(scene);
  });

/** The gap says how far the old session was processed, and proves it. */
const withFinal = (cursor: number) => (scene: Scene) => {
  const { finalCursor, mac, unsigned } = scene.welcome;
  same('finalCursor', finalCursor, cursor);
  scene.requireMac(mac, unsigned, scene.former?.secret ?? Buffer.alloc(0));
};

/** The refusal says how far the session was processed, and proves it. */
const refusedAt = (cursor: number) => (ending: Ending, scene: Scene) => {
  same('finalCursor', ending.finalCursor, cursor);
  scene.requireMac(ending.mac, ending.unsigned, scene.session.secret);
};

const flipped = (secret: Buffer): Buffer => Buffer.from(secret.map((byte, index) => (index === 31 ? byte ^ 1 : byte)));

const claims = (says: string, given: (scene: Scene) => Partial<HelloFields>): Step =>
  hello(says, (scene) => ({ mode: 1, ...given(scene) }));

const proofs: readonly Case[] = [
  {
    id: 'R-01',
    level: 'MUST',
    section: 4,
    demand: 'A living session is resumed, and the answer proves that the server knows its secret.',
    steps: [opens(), cuts(), hello('HELLO mode 1', { mode: 1 }), resumed()],
  },
  {
    id: 'R-02',
    level: 'MUST',
    section: 4,
    demand: 'A resume works with no message exchanged at all, again and again.',
    steps: [opens(), cuts(), resumes(), cuts(), resumes(), cuts(), resumes(), step.alive()],
  },
  {
    id: 'R-03',
    level: 'MUST',
    section: 4,
    demand: 'A wrong proof is proof-failed, and the session stays as it was.',
    steps: [
      opens(),
      cuts(),
      step.unproven('a mac with another secret', ({ session }) => ({ secret: flipped(session.secret) })),
      livesOn(),
    ],
  },
  {
    id: 'R-04',
    level: 'MUST',
    section: 4,
    demand: 'A proof for another epoch is proof-failed.',
    steps: [opens(), cuts(), step.unproven('epoch 2 of a session of epoch 1', () => ({ epoch: 2 })), livesOn()],
  },
  {
    id: 'R-05',
    level: 'MUST',
    section: 4,
    demand: 'A wrong proof does not touch the connection that is up.',
    steps: [
      opens(),
      step.unproven('a mac with another secret', ({ session }) => ({ secret: flipped(session.secret) })),
      step.alive(),
    ],
  },
  {
    id: 'R-06',
    level: 'MUST',
    section: 4,
    demand: 'The secret of another session proves nothing.',
    steps: [
      opens(),
      opens({}, 'another one'),
      step.unproven('the first session with the secret of the second', ({ former, session }) => ({
        id: former?.id ?? '',
        secret: session.secret,
      })),
    ],
  },
  {
    id: 'R-07',
    level: 'MUST',
    section: 4,
    demand: 'Mode 2 needs the proof as well.',
    steps: [
      opens(),
      cuts(),
      step.unproven('mode 2 with another secret', ({ session }) => ({ mode: 2, secret: flipped(session.secret) })),
      livesOn(),
    ],
  },
  {
    id: 'R-08',
    level: 'SHOULD',
    section: 4,
    withinMs: 10_000,
    demand: 'Failed proofs are limited per address; good ones are taken at the same time.',
    steps: [
      opens(),
      cuts(),
      expects('one of 40 bad proofs to be put off with overloaded', async (scene) => {
        for (let count = 0; count < 40; count += 1) {
          await scene.dial();
          await scene.write(scene.hello({ mode: 1, secret: Buffer.alloc(32) }));
          if ((await scene.ending('REFUSED', 'proof-failed or overloaded')).code === 104) return;
        }
        throw new Failed('it told 40 bad proofs in a row that they are bad');
      }),
      livesOn(),
    ],
  },
  {
    id: 'R-09',
    level: 'MUST',
    section: 4,
    demand: 'The dial number of the connection attached last is too low: replaced.',
    steps: [
      opens({ dialNumber: 5 }, 'a new session with dialNumber 5'),
      claims('HELLO mode 1 with dialNumber 5', () => ({ dialNumber: 5 })),
      refuses('replaced'),
      step.former(step.alive()),
    ],
  },
  {
    id: 'R-10',
    level: 'MUST',
    section: 4,
    demand: 'A lower dial number is replaced as well.',
    steps: [
      opens({ dialNumber: 5 }, 'a new session with dialNumber 5'),
      cuts(),
      claims('HELLO mode 1 with dialNumber 4', () => ({ dialNumber: 4 })),
      refuses('replaced'),
      livesOn(),
    ],
  },
  {
    id: 'R-11',
    level: 'MUST',
    section: 4,
    demand: 'A newer connection takes over at once; the older one is closed with replaced.',
    steps: [opens(), resumes(), step.former(step.closes('replaced')), event(), processed()],
  },
];

const positions: readonly Case[] = [
  {
    id: 'R-12',
    level: 'MUST',
    section: 4,
    demand: 'WELCOME tells how far the server has come.',
    steps: [
      opens(),
      event(),
      event(),
      event(),
      processed(),
      cuts(),
      hello('HELLO mode 1', { mode: 1 }),
      welcome('with orderedReceived 3 and cursor 3', ({ orderedReceived, cursor }) =>
        same('the positions', [orderedReceived, cursor], [3, 3]),
      ),
    ],
  },
  {
    id: 'R-13',
    level: 'MUST',
    section: 5,
    demand: 'After a resume each lane goes on at received + 1.',
    steps: [opens(), event(), processed(), cuts(), resumes(), event(), processed()],
  },
  {
    id: 'R-14',
    level: 'MUST',
    section: 5,
    demand: 'After a resume a message that was received already is seq-gap.',
    steps: [
      opens(),
      event(),
      processed(),
      cuts(),
      resumes(),
      step.sends('seq 1 again', (scene) => scene.ordered('EVENT', step.around('f6'), { seq: 1 })),
      step.closes('seq-gap'),
    ],
  },
  ...(
    [
      ['orderedReceived', { orderedReceived: 1 }],
      ['directReceived', { directReceived: 1 }],
    ] as const
  ).map(([name, given], index): Case => ({
    id: `R-${15 + index}`,
    level: 'MUST',
    section: 4,
    demand: `${name} above what was ever written does not fit: a gap.`,
    steps: [opens(), cuts(), claims(`HELLO mode 1 with ${name} 1`, () => given), gap(108)],
  })),
  {
    id: 'R-17',
    level: 'MUST',
    section: 4,
    target: true,
    demand: 'A cursor below what was released does not fit: a gap.',
    steps: [
      opens(),
      says('EVENT', 'say', 1),
      step.hears('EVENT', 'said', 1),
      step.acks(),
      step.alive(),
      cuts(),
      claims('HELLO mode 1 with orderedReceived 1, cursor 0', () => ({ orderedReceived: 1, cursor: 0 })),
      gap(108),
    ],
  },
  {
    id: 'R-18',
    level: 'MUST',
    section: 4,
    demand: 'directReceived below what was released does not fit: a gap.',
    steps: [
      opens(),
      says('DELIVER', 'unheard'),
      step.answer('RECEIPT', 2),
      step.acks(),
      step.alive(),
      cuts(),
      claims('HELLO mode 1 with directReceived 0', () => ({ directReceived: 0 })),
      gap(108),
    ],
  },
  {
    id: 'R-19',
    level: 'MUST',
    section: 4,
    demand: 'Mode 2 gives the session up: a new one with the next epoch, where seqs begin at 1.',
    steps: [opens(), event(), processed(), cuts(), hello('HELLO mode 2', { mode: 2 }), gap(108), step.acks(), event(), processed()], // prettier-ignore
  },
  {
    id: 'R-20',
    level: 'MUST',
    section: 12,
    demand: 'A session that was given up has a tombstone: a gap with its final cursor, proven.',
    steps: [
      opens(),
      event(),
      processed(),
      cuts(),
      hello('HELLO mode 2', { mode: 2 }),
      gap(108),
      does('the old session as the one at hand', (scene) => {
        scene.session = scene.former ?? scene.session;
      }),
      hello('HELLO mode 1 for it', { mode: 1 }),
      gap(108, withFinal(1)),
    ],
  },
];

const endings: readonly Case[] = [
  {
    id: 'R-21',
    level: 'MUST',
    section: 12,
    demand: 'A session that its client closed is ended; the refusal has its final cursor, proven.',
    steps: [
      opens(),
      event(),
      event(),
      processed(),
      step.sends('CLOSE closed', closing),
      step.ends(),
      hello('HELLO mode 1', { mode: 1 }),
      refuses('ended', refusedAt(2)),
    ],
  },
  {
    id: 'R-22',
    level: 'MUST',
    section: 12,
    demand: 'The tombstone of a session wants a proof too.',
    steps: [
      opens(),
      step.sends('CLOSE closed', closing),
      step.ends(),
      step.unproven('a mac with another secret', ({ session }) => ({ secret: flipped(session.secret) })),
    ],
  },
  {
    id: 'R-23',
    level: 'MUST',
    section: 12,
    withinMs: 8_000,
    demand: 'Without a connection a session lives for its linger, then it is expired: a gap with its final cursor.',
    steps: [
      opens({ lingerMs: 1_200 }, 'a new session with lingerMs 1,200'),
      event(),
      processed(),
      cuts(),
      step.waits(({ session }) => session.welcome.lingerMs + 500, '500 ms more than the linger that was granted'),
      hello('HELLO mode 1', { mode: 1 }),
      gap(208, withFinal(1)),
    ],
  },
  {
    id: 'R-24',
    level: 'SHOULD',
    section: 12,
    withinMs: 8_000,
    demand: 'A tombstone is gone after one more linger: the session is not known any more.',
    steps: [
      opens({ lingerMs: 300 }, 'a new session with lingerMs 300'),
      cuts(),
      step.waits(({ session }) => 2 * session.welcome.lingerMs + 800, 'two lingers and 800 ms'),
      hello('HELLO mode 1', { mode: 1 }),
      gap(108, ({ welcome: { finalCursor } }) => same('finalCursor', finalCursor, undefined)),
    ],
  },
  {
    id: 'R-25',
    level: 'MUST',
    section: 12,
    demand: 'A resume within the linger finds the session.',
    steps: [opens({ lingerMs: 2_000 }, 'a new session with lingerMs 2,000'), cuts(), step.waits(300, '300 ms'), livesOn()], // prettier-ignore
  },
  {
    id: 'R-26',
    level: 'MUST',
    section: 10,
    demand: 'messageBytes and depth do not shrink while a session lives.',
    steps: [
      opens(),
      cuts(),
      hello('HELLO mode 1', { mode: 1 }),
      welcome('with as much as before', ({ messageBytes, depth }, { session }) => {
        must(messageBytes >= session.welcome.messageBytes, 'messageBytes has shrunk');
        must(depth >= session.welcome.depth, 'depth has shrunk');
      }),
    ],
  },
];

function closing(scene: Scene): Buffer {
  return scene.control(0x09, Buffer.from('00cf000000000000', 'hex'));
}

/** Sections 4, 5, 11 and 12. */
export const resume: Group = {
  name: 'resume',
  about: 'proofs, positions, gaps, tombstones, and what is sent again',
  cases: [...proofs, ...positions, ...endings, ...resent],
};
