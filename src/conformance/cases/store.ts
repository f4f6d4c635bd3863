/** The shared store, services and forwarded events: what a client may ask for, and what only a server may send. */
import { join, u64, u8 } from '../bytes.ts';
import { directKinds } from '../frames.ts';
import { type Item, write } from '../items.ts';
import { same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { answer, closes, direct, expects, hears, opens, payload, says, sends } = step;

const writes = (key: string, ...value: readonly Item[]): Step =>
  sends(`WRITE ["${key}"${value.length === 0 ? '' : ', …'}]`, (scene) => scene.say('WRITE', key, ...value));

/** What the target has under a key. */
const holds = (key: string, wanted: Item): Step =>
  expects(`the target to hold it`, async (scene) => same(key, (await scene.call('read', key)).value, wanted));

const stored: readonly Case[] = [
  {
    id: 'S-01',
    level: 'MUST',
    section: 9,
    demand: 'Each WRITE has exactly one VERDICT, accepted or refused.',
    steps: [
      opens(),
      writes('color', 'red'),
      expects('one VERDICT', (scene) => scene.word('VERDICT', 1)),
      step.nothingMore(),
    ],
  },
  {
    id: 'S-02',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A WRITE that is accepted counts: later messages see it.',
    steps: [opens(), writes('color', 'red'), answer('VERDICT', 0), holds('color', 'red')],
  },
  {
    id: 'S-03',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A WRITE of a key alone deletes it.',
    steps: [opens(), writes('color', 'red'), writes('color'), answer('VERDICT', 0), holds('color', undefined)],
  },
  {
    id: 'S-04',
    level: 'MUST',
    section: 9,
    demand: 'VERDICTs come in the order of their WRITEs.',
    steps: [
      opens(),
      sends('20 WRITEs in one write', (scene) =>
        join(...Array.from({ length: 20 }, (_, index) => scene.say('WRITE', `key${index}`, index))),
      ),
      expects('VERDICTs for 1 to 20', async (scene) => {
        const isVerdict = ({ lane, kind }: { lane: string; kind: number }): boolean =>
          lane === 'direct' && kind === directKinds.VERDICT;
        for (let seq = 1; seq <= 20; seq += 1) {
          const { payload: body } = await scene.message('VERDICT', isVerdict);
          same('the seq', Number(body.readBigUInt64BE()), seq);
        }
      }),
    ],
  },
  {
    id: 'S-05',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A WRITE that the server does not take has status 1 and an error.',
    steps: [opens(), writes('fixed', 1), answer('VERDICT', 1), holds('fixed', undefined)],
  },
  {
    id: 'S-06',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A change of the server comes as CHANGE.',
    steps: [opens(), says('EVENT', 'put', 'size', 5), hears('CHANGE', 'size', 5), step.nothingMore()],
  },
  {
    id: 'S-07',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A VERDICT says how many CHANGEs were sent before the decision.',
    steps: [
      opens(),
      says('EVENT', 'put', 'size', 5),
      says('EVENT', 'put', 'size', 6),
      writes('size', 7),
      answer('VERDICT', 0, { check: ({ changes }) => same('changes', changes, 2) }),
      holds('size', 7),
    ],
  },
  {
    id: 'S-08',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'The store has at most 1,000 keys: the next WRITE is refused.',
    withinMs: 10_000,
    steps: [
      opens(),
      expects('1,000 accepted, the next one refused', async (scene) => {
        for (let round = 0; round < 4; round += 1) {
          await scene.write(...Array.from({ length: 250 }, (_, at) => scene.say('WRITE', `k${round * 250 + at}`, 1)));
          same('the status', (await scene.word('VERDICT', scene.session.orderedSent)).status, 0);
          await scene.write(scene.ack());
        }
        await scene.write(scene.say('WRITE', 'one more', 1));
        same('the status', (await scene.word('VERDICT', scene.session.orderedSent)).status, 1);
      }),
    ],
  },
  {
    id: 'S-09',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'The store has at most 262,144 bytes: the WRITE beyond is refused.',
    steps: [
      opens(),
      expects('four values of 60,000 bytes accepted, the fifth refused', async (scene) => {
        for (let count = 1; count <= 5; count += 1) {
          await scene.write(scene.say('WRITE', `k${count}`, Buffer.alloc(60_000)));
          same('the status', (await scene.word('VERDICT', count)).status, count === 5 ? 1 : 0);
        }
      }),
    ],
  },
  {
    id: 'S-10',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'The store ends with its epoch.',
    steps: [
      opens(),
      writes('color', 'red'),
      answer('VERDICT', 0),
      step.cuts(),
      step.hello('HELLO mode 2', { mode: 2 }),
      step.welcome('mode 0'),
      step.acks(),
      holds('color', undefined),
    ],
  },
  ...(
    [
      ['with an empty key', '', 'red'],
      ['with a key of 257 characters', 'k'.repeat(257), 'red'],
    ] as const
  ).map(([what, key, value], index): Case => ({
    id: `S-${11 + index}`,
    level: 'MUST',
    section: 9,
    demand: `A WRITE ${what} is refused.`,
    steps: [opens(), sends(`WRITE ${what}`, (scene) => scene.say('WRITE', key, value)), answer('VERDICT', 1)],
  })),
  {
    id: 'S-13',
    level: 'MUST',
    section: 9,
    demand: 'A WRITE whose key is no text is payload-refused.',
    steps: [opens(), payload('820102', 'WRITE'), closes('payload-refused')],
  },
  ...(['CHANGE', 'FORWARD'] as const).map((kind, index): Case => ({
    id: `S-${14 + index}`,
    level: 'MUST',
    section: 2,
    demand: `${kind} from a client is bad-frame.`,
    steps: [opens(), says(kind, 'color', 'red'), closes('bad-frame')],
  })),
  {
    id: 'S-16',
    level: 'MUST',
    section: 2,
    demand: 'VERDICT from a client is bad-frame.',
    steps: [opens(), direct('VERDICT', join(u64(1), u8(0), u64(0))), closes('bad-frame')],
  },
  {
    id: 'S-17',
    level: 'MUST',
    section: 2,
    demand: 'NOTICE from a client is bad-frame.',
    steps: [opens(), direct('NOTICE', write(['Error', 'broken', undefined])), closes('bad-frame')],
  },
];

/** Section 9 on the store. */
export const store: Group = { name: 'store', about: 'WRITE, VERDICT and CHANGE', cases: stored };
