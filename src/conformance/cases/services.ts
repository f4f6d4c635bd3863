/** Services of the runtime and forwarded events. */
import { u64 } from '../bytes.ts';
import { directKinds } from '../frames.ts';
import { type Item, write } from '../items.ts';
import { errorOf } from '../conduct.ts';
import { type Scene, must, same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { answer, direct, expects, opens, processed, says, sends } = step;

const event = write(['greet', 'hello']);

/** SERVICE address: to whom, with which options, and which payload. */
const addresses = (
  whom: string,
  selector: (scene: Scene) => Item,
  options: (scene: Scene) => Item = () => ({}),
  bytes: Uint8Array = event,
): Step =>
  sends(`SERVICE address, to ${whom}`, (scene) =>
    scene.say('SERVICE', 'address', selector(scene), options(scene), bytes),
  );

const self = (scene: Scene): Item => scene.session.id;

const served: readonly Case[] = [
  {
    id: 'G-01',
    level: 'MUST',
    section: 9,
    demand: 'A SERVICE that is not known fails: one RESULT, with status 1.',
    steps: [opens(), says('SERVICE', 'no such service'), answer('RESULT', 1), processed(), step.nothingMore()],
  },
  {
    id: 'G-02',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'An event that is addressed to a session arrives there as FORWARD with the id of its sender.',
    steps: [
      opens(),
      addresses('itself', self),
      answer('RESULT', 0, { value: [1, 0, 0] }),
      expects('FORWARD from itself', async (scene) =>
        same('the message', await scene.heard('FORWARD', 'greet'), ['greet', 'hello', scene.session.id]),
      ),
    ],
  },
  {
    id: 'G-03',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'The sender of a FORWARD is named by the server, for other sessions as well.',
    steps: [
      opens(),
      opens({}, 'another one'),
      addresses('the first', (scene) => scene.former?.id),
      answer('RESULT', 0, { value: [1, 0, 0] }),
      expects('FORWARD from the second at the first', async (scene) => {
        const sender = scene.session.id;
        scene.session = scene.former ?? scene.session;
        await scene.onFormer(async () => {
          same('the message', await scene.heard('FORWARD', 'greet'), ['greet', 'hello', sender]);
        });
      }),
    ],
  },
  {
    id: 'G-04',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'An id that nobody has: [0, 0, 0].',
    steps: [opens(), addresses('nobody', () => 'nobody'), answer('RESULT', 0, { value: [0, 0, 0] })],
  },
  {
    id: 'G-05',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'An object selects those whose stores have its values.',
    steps: [
      opens(),
      sends('WRITE of a value that no other store has', (scene) => scene.say('WRITE', 'team', scene.session.id)),
      answer('VERDICT', 0),
      addresses('{team}', (scene) => ({ team: scene.session.id })),
      answer('RESULT', 0, { value: [1, 0, 0] }),
    ],
  },
  {
    id: 'G-06',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'The session of except is left out.',
    steps: [
      opens(),
      addresses('itself, except itself', self, (scene) => ({ except: scene.session.id })),
      answer('RESULT', 0, { value: [0, 0, 0] }),
      step.nothingMore(),
    ],
  },
  ...(
    [
      ['is no event', write(5)],
      ['is outside of the profile', Buffer.from('9f01ff', 'hex')],
      ['passes a function', write(['greet', step.tagged(40_006, 2)])],
    ] as const
  ).map(([what, bytes], index): Case => ({
    id: `G-0${7 + index}`,
    level: 'MUST',
    section: 9,
    target: true,
    demand: `An address whose message ${what} fails: status 1, and the connection goes on.`,
    steps: [opens(), addresses('itself', self, undefined, bytes), answer('RESULT', 1), step.alive()],
  })),
  {
    id: 'G-10',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A message that is held for a group and expires is told with NOTICE.',
    steps: [
      opens(),
      addresses('{team} that nobody is in, holdMs 200', (scene) => ({ team: `no ${scene.session.id}` }), () => ({ holdMs: 200 })), // prettier-ignore
      answer('RESULT', 0, { value: [0, 0, 1] }),
      expects('NOTICE with [name, message, code]', async (scene) => {
        const isNotice = ({ lane, kind }: { lane: string; kind: number }): boolean =>
          lane === 'direct' && kind === directKinds.NOTICE;
        errorOf((await scene.message('NOTICE', isNotice)).payload);
      }),
    ],
  },
  {
    id: 'G-11',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'What the server does not allow fails with status 1: the target shows presence to nobody.',
    steps: [opens(), says('SERVICE', 'presence'), answer('RESULT', 1)],
  },
  {
    id: 'G-12',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'Services are none of the methods: SERVICE echo fails, CALL address is not there.',
    steps: [
      opens(),
      says('SERVICE', 'echo', 1),
      answer('RESULT', 1),
      says('CALL', 'address', 'a', {}, event),
      answer('RESULT', 2),
    ],
  },
  {
    id: 'G-13',
    level: 'MUST',
    section: 9,
    demand: 'A CANCEL before its SERVICE leaves one RESULT.',
    steps: [
      opens(),
      direct('CANCEL', u64(1)),
      says('SERVICE', 'no such service'),
      expects('one RESULT with status 1 or 4', async (scene) => {
        const { status } = await scene.word('RESULT', 1);
        must(status === 1 || status === 4, `it has status ${status}`);
      }),
      step.nothingMore(),
    ],
  },
];

/** Section 9 on services. */
export const services: Group = { name: 'services', about: 'SERVICE, FORWARD and NOTICE', cases: served };
