/** Calls, cancels, and functions and streams that cross as values. */
import { Skipped, join, u64, u8 } from '../bytes.ts';
import { directKinds, orderedKinds } from '../frames.ts';
import { type Item, elementsOf, write } from '../items.ts';
import { readDirect } from '../conduct.ts';
import { same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';
import { traces } from './traces.ts';

const { alive, answer, closes, direct, expects, nothingMore, opens, processed, says, sends, settled } = step;

const one = write(1);

const results: readonly Case[] = [
  {
    id: 'K-01',
    level: 'MUST',
    section: 9,
    demand: 'A CALL of a method that is not there has exactly one RESULT, with status 2 and no value.',
    steps: [opens(), says('CALL', 'no such method'), answer('RESULT', 2), nothingMore()],
  },
  ...['constructor', 'toString', 'hasOwnProperty', '__proto__', 'then'].map((name, index): Case => ({
    id: `K-0${2 + index}`,
    level: 'MUST',
    section: 9,
    demand: `Methods are looked up among those that were exposed: ${name} is not there.`,
    steps: [opens(), says('CALL', name), answer('RESULT', 2)],
  })),
  {
    id: 'K-07',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A call that returned has exactly one RESULT, with status 0 and its value.',
    steps: [opens(), says('CALL', 'echo', 'hello'), answer('RESULT', 0, { value: 'hello' }), nothingMore()],
  },
  {
    id: 'K-08',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A call that threw has status 1 and [name, message, code], without a stack trace.',
    steps: [
      opens(),
      says('CALL', 'fail', 'broken'),
      answer('RESULT', 1, {
        check: ({ value }) => same('the message', elementsOf(value)[1], 'broken'),
      }),
    ],
  },
  {
    id: 'K-09',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'RESULTs leave in the order in which calls end.',
    steps: [
      opens(),
      says('CALL', 'wait', 400),
      says('CALL', 'echo', 2),
      expects('RESULT of the second before that of the first', async (scene) => {
        const message = await scene.message(
          'RESULT',
          ({ kind, lane }) => lane === 'direct' && kind === directKinds.RESULT,
        );
        same('its number', readDirect(message.kind, message.payload).number, 2);
      }),
      answer('RESULT', 0, { seq: 1, value: 'waited' }),
    ],
  },
  {
    id: 'K-10',
    level: 'MUST',
    section: 9,
    target: true,
    withinMs: 20_000,
    demand: 'Too many calls that run: status 3, and those that run go on.',
    steps: [
      opens(),
      expects('status 3 for one of up to 4,000 calls that run', async (scene) => {
        const waiting = says('CALL', 'wait', 8_000);
        for (let count = 0; count < 40; count += 1) {
          for (let each = 0; each < 100; each += 1) await waiting.run(scene);
          await scene.acked({ cursor: scene.session.orderedSent });
          await scene.alive();
          if (scene.messages.some(({ payload }) => payload[8] === 3)) return;
        }
        throw new Skipped('it lets more than 4,000 calls run');
      }),
      alive(),
    ],
  },
  {
    id: 'K-11',
    level: 'MUST',
    section: 9,
    demand: 'A RESULT for what was never called is unknown-receipt.',
    steps: [opens(), direct('RESULT', settled(1, 0, one)), closes('unknown-receipt')],
  },
  ...(
    [
      ['with seq 0', settled(0, 0, one)],
      ['with status 5', settled(1, 5)],
      ['with status 0 and no value', settled(1, 0)],
      ['with status 1 and no value', settled(1, 1)],
      ['with status 2 and a value', settled(1, 2, one)],
      ['with status 4 and a value', settled(1, 4, one)],
      ['of 8 bytes', u64(1)],
    ] as const
  ).map(([what, body], index): Case => ({
    id: `K-${12 + index}`,
    level: 'MUST',
    section: 9,
    demand: `A RESULT ${what} is bad-frame.`,
    steps: [opens(), direct('RESULT', body), closes('bad-frame')],
  })),
];

/** The call that the server makes, and its number. */
const called: Step = expects('CALL ["answer", ...]', async (scene) => {
  const { seq } = await scene.message('CALL', ({ lane, kind }) => lane === 'ordered' && kind === orderedKinds.CALL);
  scene.noted.set('call', seq);
});

const returns = (item: Item): Step =>
  sends(`RESULT with status 0`, (scene) =>
    scene.direct('RESULT', settled(scene.noted.get('call') ?? 0, 0, write(item))),
  );

const fromServer: readonly Case[] = [
  {
    id: 'K-19',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A call of the server is settled by the RESULT that names its seq.',
    steps: [opens(), says('EVENT', 'ask', 7), called, returns('seven'), step.hears('EVENT', 'said', 'seven')],
  },
  {
    id: 'K-20',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A second RESULT for the same call is unknown-receipt.',
    steps: [opens(), says('EVENT', 'ask', 7), called, returns(1), returns(2), closes('unknown-receipt')],
  },
  {
    id: 'K-21',
    level: 'MUST',
    section: 10,
    target: true,
    demand: 'A RESULT with a value outside of the profile is payload-refused.',
    steps: [
      opens(),
      says('EVENT', 'ask', 7),
      called,
      sends('RESULT with an indefinite array', (scene) =>
        scene.direct('RESULT', settled(scene.noted.get('call') ?? 0, 0, Buffer.from('9f01ff', 'hex'))),
      ),
      closes('payload-refused'),
    ],
  },
];

const cancels: readonly Case[] = [
  {
    id: 'K-22',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'CANCEL of a call that runs asks for its end: one RESULT, with status 4.',
    steps: [
      opens(),
      says('CALL', 'wait', 60_000),
      processed(),
      direct('CANCEL', u64(1)),
      answer('RESULT', 4, { seq: 1 }),
      nothingMore(),
    ],
  },
  {
    id: 'K-23',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A CANCEL that comes before its CALL is kept: the call does not start.',
    steps: [
      opens(),
      direct('CANCEL', u64(1)),
      step.received(),
      says('CALL', 'count'),
      answer('RESULT', 4),
      says('CALL', 'count'),
      answer('RESULT', 0, { value: 1 }),
    ],
  },
  {
    id: 'K-24',
    level: 'MUST',
    section: 9,
    demand: 'CANCEL of a call that has ended has no effect.',
    steps: [
      opens(),
      says('CALL', 'no such method'),
      answer('RESULT', 2),
      direct('CANCEL', u64(1)),
      step.received(),
      nothingMore(),
    ],
  },
  {
    id: 'K-25',
    level: 'MUST',
    section: 9,
    demand: 'A CANCEL for a message that is no CALL has no effect.',
    steps: [opens(), direct('CANCEL', u64(1)), says('DELIVER', 'unheard'), answer('RECEIPT', 2), nothingMore()],
  },
  {
    id: 'K-26',
    level: 'MUST',
    section: 9,
    demand: 'A CANCEL for seq 0 is bad-frame.',
    steps: [opens(), direct('CANCEL', u64(0)), closes('bad-frame')],
  },
  {
    id: 'K-27',
    level: 'MUST',
    section: 9,
    demand: 'A CANCEL that is not of 8 bytes is bad-frame.',
    steps: [opens(), direct('CANCEL', join(u64(1), u8(0))), closes('bad-frame')],
  },
  {
    id: 'K-28',
    level: 'MUST',
    section: 9,
    demand: 'A CANCEL beyond the cursor by more than the mailbox holds is bad-frame.',
    steps: [
      opens(),
      sends('CANCEL for windowMessages + 1', (scene) => scene.direct('CANCEL', u64(scene.welcome.windowMessages + 1))),
      closes('bad-frame'),
    ],
  },
  {
    id: 'K-29',
    level: 'MUST',
    section: 9,
    demand: 'A CANCEL for the last message that the mailbox has room for is kept.',
    steps: [
      opens(),
      sends('CANCEL for windowMessages', (scene) => scene.direct('CANCEL', u64(scene.welcome.windowMessages))),
      step.received(),
      alive(),
    ],
  },
];

/** Section 9 on calls. */
export const calls: Group = {
  name: 'calls',
  about: 'CALL, RESULT and CANCEL, both ways, and TRACE',
  cases: [...results, ...fromServer, ...cancels, ...traces],
};
