/** Functions and streams that cross as values. */
import { Failed, join, u32, u64, u8 } from '../bytes.ts';
import { directKinds } from '../frames.ts';
import { type Item, Tagged, elementsOf, tags, write } from '../items.ts';
import { readDirect } from '../conduct.ts';
import { type Scene, must, same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { answer, closes, direct, does, expects, nothingMore, opens, says, sends, settled } = step;

const one = write(1);

/** A function of this client by its number, and one of the server given back. */
const own = (number: number): Tagged => new Tagged(tags.function, 2 * number);

/** Calls a method of the target that returns a function or a stream, and notes its number. */
const gets = (method: string, tag: number, ...args: readonly Item[]): Step =>
  does(`CALL ${method}, which returns tag ${tag}`, async (scene) => {
    const { status, value } = await scene.call(method, ...args);
    must(status === 0 && value instanceof Tagged && value.tag === tag, `${method} did not return tag ${tag}`);
    if (!(value instanceof Tagged) || typeof value.item !== 'number') throw new Failed('its reference has no number');
    must(value.item % 2 === 0 && value.item > 0, 'it passed a function of its own with an odd number');
    scene.noted.set('function', value.item / 2);
  });

const target = (scene: Scene): number => scene.noted.get('function') ?? 0;

const applies = (...args: readonly Item[]): Step =>
  sends(`APPLY of it`, (scene) => scene.direct('APPLY', join(u64(target(scene)), write(args))));

/** The server applies a function of this client. */
const applied = (number: number, ...args: readonly Item[]): Step =>
  expects(`APPLY of function ${number}`, async (scene) => {
    const message = await scene.message('APPLY', ({ lane, kind }) => lane === 'direct' && kind === directKinds.APPLY);
    const word = readDirect(message.kind, message.payload);
    same('the APPLY', [word.number, word.value], [number, args]);
    scene.noted.set('apply', message.seq);
  });

const answers = (status: number, item?: Item): Step =>
  sends(`ANSWER with status ${status}`, (scene) => {
    const value = item === undefined ? undefined : write(item);
    return scene.direct('ANSWER', settled(scene.noted.get('apply') ?? 0, status, value));
  });

const passing: readonly Case[] = [
  {
    id: 'P-01',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A function of the client is called with APPLY, and the ANSWER is what it returned.',
    steps: [
      opens(),
      says('CALL', 'apply', own(1), 20),
      applied(1, 20),
      answers(0, 21),
      answer('RESULT', 0, { value: 21 }),
    ],
  },
  {
    id: 'P-02',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'An ANSWER with an error makes the call of the function fail.',
    steps: [
      opens(),
      says('CALL', 'apply', own(1), 20),
      applied(1, 20),
      answers(1, ['Error', 'broken', undefined]),
      answer('RESULT', 1),
    ],
  },
  {
    id: 'P-03',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A second ANSWER for the same APPLY is unknown-receipt.',
    steps: [
      opens(),
      says('CALL', 'apply', own(1), 20),
      applied(1, 20),
      answers(0, 1),
      answers(0, 2),
      closes('unknown-receipt'),
    ],
  },
  {
    id: 'P-04',
    level: 'MUST',
    section: 9,
    demand: 'An ANSWER for what was never applied is unknown-receipt.',
    steps: [opens(), direct('ANSWER', settled(1, 0, one)), closes('unknown-receipt')],
  },
  {
    id: 'P-05',
    level: 'MUST',
    section: 9,
    demand: 'An APPLY of a function that was never passed has one ANSWER, with status 2.',
    steps: [opens(), direct('APPLY', join(u64(9), write([]))), answer('ANSWER', 2, { seq: 1 }), nothingMore()],
  },
  {
    id: 'P-06',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A function of the server is called with APPLY: one ANSWER, with its value.',
    steps: [opens(), gets('adder', tags.function), applies(41), answer('ANSWER', 0, { value: 42 }), nothingMore()],
  },
  {
    id: 'P-07',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'After RELEASE of all arrivals the function is forgotten: status 2.',
    steps: [
      opens(),
      gets('adder', tags.function),
      sends('RELEASE of one arrival', (scene) => scene.direct('RELEASE', join(u64(target(scene)), u32(1)))),
      applies(41),
      answer('ANSWER', 2),
    ],
  },
  {
    id: 'P-08',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'APPLY takes effect past the mailbox.',
    steps: [
      opens(),
      gets('adder', tags.function),
      says('EVENT', 'slow', 1_500),
      applies(1),
      answer('ANSWER', 0, { value: 2 }),
      expects('the handler to run still', (scene) => same('the cursor', scene.told.cursor, 1)),
    ],
  },
  {
    id: 'P-09',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'STOP of an APPLY that runs asks for its end: status 4.',
    steps: [
      opens(),
      gets('waiter', tags.function),
      applies(500),
      sends('STOP of it', (scene) => scene.direct('STOP', u64(scene.session.directSent))),
      answer('ANSWER', 4, { seq: 1 }),
      nothingMore(),
    ],
  },
  {
    id: 'P-10',
    level: 'MUST',
    section: 9,
    demand: 'STOP of an APPLY that has ended has no effect.',
    steps: [
      opens(),
      direct('APPLY', join(u64(9), write([]))),
      answer('ANSWER', 2, { seq: 1 }),
      direct('STOP', u64(1)),
      step.received(),
      nothingMore(),
    ],
  },
  {
    id: 'P-11',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A function of the client comes back as one that is given back: twice its number plus 1.',
    steps: [opens(), says('CALL', 'echo', own(5)), answer('RESULT', 0, { value: new Tagged(tags.function, 11) })],
  },
  {
    id: 'P-12',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A stream is a function: called with a number it answers [items, done], in order, until done.',
    steps: [
      opens(),
      gets('numbers', tags.stream, 5),
      expects('1 to 5 by [items, done]', async (scene) => {
        const items: Item[] = [];
        for (let isDone = false; !isDone;) {
          await applies(2).run(scene);
          const { status, value } = await scene.word('ANSWER', scene.session.directSent);
          const [some, done] = elementsOf(value);
          must(status === 0 && Array.isArray(some) && typeof done === 'boolean', 'it did not answer [items, done]');
          const found = elementsOf(some);
          must(found.length <= 2 && (found.length > 0 || done === true), `it answered ${found.length} items of 2`);
          items.push(...found);
          isDone = done === true;
        }
        same('the items', items, [1, 2, 3, 4, 5]);
      }),
    ],
  },
  {
    id: 'P-13',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A stream that is called with 0 has ended.',
    steps: [
      opens(),
      gets('numbers', tags.stream, 1_000),
      applies(1),
      answer('ANSWER', 0, { value: [[1], false] }),
      applies(0),
      expects('one ANSWER to it', (scene) => scene.word('ANSWER', scene.session.directSent)),
      applies(1),
      expects('no item after it', async (scene) => {
        const { status, value } = await scene.word('ANSWER', scene.session.directSent);
        const [items] = elementsOf(value);
        must(status !== 0 || (Array.isArray(items) && elementsOf(items).length === 0), 'it goes on after its end');
      }),
    ],
  },
  ...(
    [
      ['APPLY', 'of function 0', join(u64(0), write([])), 'bad-frame'],
      ['APPLY', 'without arguments', u64(1), 'bad-frame'],
      ['APPLY', 'whose arguments are no array', join(u64(1), write(1)), 'bad-frame'],
      [
        'APPLY',
        'whose arguments are outside of the profile',
        join(u64(1), Buffer.from('811801', 'hex')),
        'payload-refused',
      ],
      ['ANSWER', 'with status 5', settled(1, 5), 'bad-frame'],
      ['STOP', 'of seq 0', u64(0), 'bad-frame'],
      ['STOP', 'of itself', u64(1), 'bad-frame'],
      ['STOP', 'of a later seq', u64(2), 'bad-frame'],
      ['STOP', 'of 9 bytes', join(u64(1), u8(0)), 'bad-frame'],
      ['RELEASE', 'of 8 bytes', u64(1), 'bad-frame'],
      ['RELEASE', 'of function 0', join(u64(0), u32(1)), 'bad-frame'],
      ['RELEASE', 'of no arrivals', join(u64(1), u32(0)), 'bad-frame'],
    ] as const
  ).map(([kind, what, body, code], index): Case => ({
    id: `P-${14 + index}`,
    level: 'MUST',
    section: 9,
    demand: `${kind} ${what} is ${code}.`,
    steps: [opens(), direct(kind, body), closes(code)],
  })),
];

/** Section 9 on passed functions. */
export const functions: Group = {
  name: 'functions',
  about: 'functions and streams as values: APPLY, ANSWER, STOP and RELEASE',
  cases: passing,
};
