/** CLOSE and GOAWAY, codes by their class, heartbeats and deadlines. */
import { close, goAway } from '../bodies.ts';
import { Failed, hex, join, u16, u32, u64, u8 } from '../bytes.ts';
import { types } from '../frames.ts';
import { must, same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { closes, control, does, ends, expects, hello, livesOn, opens, processed, refuses, says, sends } = step;

/** The connection ends, and CLOSE does not come: it is the last frame, and has no answer. */
const endsSilently: Step = expects('the end, without an answer', async (scene) => {
  for (;;) {
    const arrival = await scene.line.next(scene.deadlineMs);
    if (arrival === undefined) return;
    if (arrival === 'late') throw new Failed('expected the end of the connection, and it did not come');
    must(arrival.type !== types.CLOSE, 'it answered CLOSE with CLOSE');
  }
});

const comesBack = (name: string, code: number, then: readonly Step[], index: number): Case => ({
  id: `E-0${index}`,
  level: 'MUST',
  section: code === 107 || code === 207 ? 12 : 15,
  demand: name,
  steps: [opens(), says('EVENT', 'unheard'), processed(), control('CLOSE', close(code)), endsSilently, ...then],
});

const closings: readonly Case[] = [
  comesBack('CLOSE with a code below 200 ends the connection and not the session.', 107, [livesOn()], 1),
  comesBack('CLOSE closed ends the session.', 207, [hello('HELLO mode 1', { mode: 1 }), refuses('ended')], 2),
  comesBack('A number below 200 that is not known is as line-lost.', 199, [livesOn()], 3),
  comesBack(
    'A number from 200 on that is not known is as ended.',
    299,
    [hello('HELLO mode 1', { mode: 1 }), refuses('ended')],
    4,
  ),
  ...(
    [
      ['without a reason', join(u16(107), u32(0))],
      ['whose reason is longer than 1,024 bytes', join(u16(107), u32(0), u16(1_025), Buffer.alloc(1_025, 'a'))],
      ['whose reason is not UTF-8', join(u16(107), u32(0), u16(1), u8(0xff))],
      ['with a byte left over', join(close(107), u8(0))],
    ] as const
  ).map(([what, body], index): Case => ({
    id: `E-0${5 + index}`,
    level: 'MUST',
    section: 3,
    demand: `CLOSE ${what} is bad-frame.`,
    steps: [opens(), control('CLOSE', body), closes('bad-frame')],
  })),
  {
    id: 'E-09',
    level: 'MUST',
    section: 1,
    demand: 'A connection that was closed for a violation leaves the session as it was.',
    steps: [opens(), says('EVENT', 'unheard'), processed(), control('PING', u64(1), { flags: 1 }), closes('bad-frame'), livesOn()], // prettier-ignore
  },
  {
    id: 'E-10',
    level: 'MUST',
    section: 14,
    demand: 'A connection whose client ends it without CLOSE is lost, and the session is kept.',
    steps: [opens(), does('FIN', (scene) => scene.line.finish()), ends(), livesOn()],
  },
  {
    id: 'E-11',
    level: 'SHOULD',
    section: 14,
    demand: 'Before a deliberate CLOSE the ACK that is owed is sent.',
    steps: [
      opens(),
      sends('an event, and behind it a frame of an unknown type', (scene) =>
        join(scene.say('EVENT', 'unheard'), scene.control(0x7f, Buffer.alloc(0))),
      ),
      expects('ACK of the event', (scene) => scene.acked({ orderedReceived: 1 })),
      closes('unknown-frame'),
    ],
  },
  {
    id: 'E-12',
    level: 'MUST',
    section: 12,
    target: true,
    demand: 'A session that the server ends is closed with ended, and a claim on it is refused with ended.',
    steps: [opens(), says('EVENT', 'end'), closes('ended'), hello('HELLO mode 1', { mode: 1 }), refuses('ended')],
  },
  {
    id: 'E-13',
    level: 'MUST',
    section: 12,
    target: true,
    demand: 'The refusal repeats the reason, and its final cursor is proven.',
    steps: [
      opens(),
      says('EVENT', 'note'),
      processed(),
      says('EVENT', 'end'),
      closes('ended'),
      hello('HELLO mode 1', { mode: 1 }),
      refuses('ended', (ending, scene) => {
        same('the reason', ending.reason, 'done');
        must((ending.finalCursor ?? 0) >= 1, `finalCursor is ${ending.finalCursor ?? 'missing'}`);
        scene.requireMac(ending.mac, ending.unsigned, scene.session.secret);
      }),
    ],
  },
];

const answersGoAway: Step = expects('GOAWAY', (scene) => scene.until('GOAWAY', ({ type }) => type === types.GOAWAY));

const drains: readonly Case[] = [
  {
    id: 'E-14',
    level: 'MUST',
    section: 14,
    demand: 'GOAWAY is answered with GOAWAY by an end that is idle.',
    steps: [opens(), control('GOAWAY', goAway('maintenance')), answersGoAway],
  },
  {
    id: 'E-15',
    level: 'MUST',
    section: 14,
    target: true,
    demand: 'GOAWAY is answered once no handler runs, and not before the ACK of what was handled.',
    steps: [
      opens(),
      says('EVENT', 'slow', 400),
      expects('ACK, it is received', (scene) => scene.acked({ orderedReceived: 1 })),
      control('GOAWAY', goAway()),
      answersGoAway,
      expects('the ACK to have come before', (scene) => same('the cursor', scene.told.cursor, 1)),
    ],
  },
  {
    id: 'E-16',
    level: 'MUST',
    section: 14,
    target: true,
    demand: 'GOAWAY is answered once no call runs.',
    steps: [
      opens(),
      says('CALL', 'wait', 400),
      processed(),
      control('GOAWAY', goAway()),
      step.answer('RESULT', 0, { value: 'waited' }),
      step.acks(),
      answersGoAway,
    ],
  },
  {
    id: 'E-17',
    level: 'MUST',
    section: 14,
    target: true,
    demand: 'What a handler sends while its end answers a drain is still written.',
    steps: [
      opens(),
      says('EVENT', 'slow', 200),
      says('EVENT', 'say', 'still'),
      control('GOAWAY', goAway()),
      step.hears('EVENT', 'said', 'still'),
      step.acks(),
      answersGoAway,
    ],
  },
  {
    id: 'E-18',
    level: 'MUST',
    section: 14,
    demand: 'A message after GOAWAY is taken, and GOAWAY comes again.',
    steps: [opens(), control('GOAWAY', goAway()), answersGoAway, says('EVENT', 'unheard'), processed(), answersGoAway],
  },
  {
    id: 'E-19',
    level: 'MUST',
    section: 3,
    demand: 'A malformed GOAWAY is bad-frame.',
    steps: [opens(), control('GOAWAY', hex('0000')), closes('bad-frame')],
  },
  {
    id: 'E-20',
    level: 'MUST',
    section: 14,
    demand: 'GOAWAY is a word about a connection: the session is resumed on another one and goes on.',
    steps: [opens(), control('GOAWAY', goAway()), answersGoAway, step.cuts(), livesOn()],
  },
];

/** Sections 12, 14 and 15. */
export const endings: Group = {
  name: 'endings',
  about: 'CLOSE, its codes, and GOAWAY',
  cases: [...closings, ...drains],
};
