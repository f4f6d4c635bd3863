/** The bounds of section 10 that are the same at all ends, and those that WELCOME announces. */
import { Skipped, join, u32 } from '../bytes.ts';
import { FRAGMENT, PIECE_BYTES, types } from '../frames.ts';
import { head, write } from '../items.ts';
import type { Scene } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { around, closes, opens, payload, processed, sends } = step;

const repeat = (count: number, part: Uint8Array): Buffer => Buffer.alloc(count * part.length, part);
const nulls = (count: number): Buffer => join(head(4, count), repeat(count, Buffer.of(0xf6)));
const entries = (count: number): Buffer =>
  join(head(5, count), ...Array.from({ length: count }, (_, index) => join(write(`k${index}`), Buffer.of(0xf6))));
const keyOf = (bytes: number): Buffer => join(head(5, 1), write('k'.repeat(bytes)), Buffer.of(0xf6));
/** `[[null], link, link, …]` beside the name: each link leads to the array with the null in it. */
const links = (count: number): Buffer =>
  join(head(4, count + 1), Buffer.from('81f6', 'hex'), repeat(count, join(head(6, 40_005), write([1, 0]))));
/** Errors cost 4,096 each, 8 bytes on the wire. */
const errors = (count: number): Buffer =>
  join(head(4, count), repeat(count, join(head(6, 40_004), write(['', '', undefined, undefined]))));
/** Arrays in each other, the one of the event included. */
const deep = (levels: number): Buffer => join(repeat(levels - 2, Buffer.of(0x81)), Buffer.of(0x80));

const pairs: readonly (readonly [what: string, fits: () => Uint8Array, tooMuch: () => Uint8Array, ofWhich: string])[] =
  [
    ['elements of one array', () => nulls(65_536), () => nulls(65_537), '65,536'],
    ['entries of one map', () => entries(4_096), () => entries(4_097), '4,096'],
    ['bytes of one key', () => keyOf(256), () => keyOf(257), '256'],
    [
      'items',
      () => join(head(4, 2), nulls(50_000), nulls(49_900)),
      () => join(head(4, 2), nulls(50_000), nulls(50_000)),
      '100,000',
    ],
    ['links', () => links(1_000), () => links(1_001), '1,000'],
    ['bytes of estimated cost', () => errors(3_900), () => errors(4_200), '16,777,216'],
  ];

const fixed: readonly Case[] = pairs.flatMap(([what, fits, tooMuch, most], index): Case[] => [
  {
    id: `L-${String(2 * index + 1).padStart(2, '0')}`,
    level: 'MUST',
    section: 10,
    demand: `A payload within ${most} ${what} is taken.`,
    steps: [opens(), payload(around(fits())), processed()],
  },
  {
    id: `L-${String(2 * index + 2).padStart(2, '0')}`,
    level: 'MUST',
    section: 10,
    demand: `A payload beyond ${most} ${what} is payload-refused.`,
    steps: [opens(), payload(around(tooMuch())), closes('payload-refused')],
  },
]);

/** A message of exactly so many bytes, in fragments. */
function eventOf(scene: Scene, bytes: number): Buffer {
  if (bytes > 8_388_608) throw new Skipped('it takes messages of more than 8 MiB');
  const rest = bytes - 9 - 5;
  return scene.ordered('EVENT', join(around(join(Buffer.of(0x5a), u32(rest))), Buffer.alloc(rest)));
}

const fragmentOf = (what: string, total: (scene: Scene) => number, type: 'ORDERED' | 'DIRECT'): Step =>
  sends(`the first fragment of ${what}`, (scene) =>
    scene.control(types[type], join(u32(total(scene)), u32(0), Buffer.alloc(PIECE_BYTES)), {
      flags: 1 | FRAGMENT,
      seq: 1,
    }),
  );

const announced: readonly Case[] = [
  {
    id: 'L-13',
    level: 'MUST',
    section: 10,
    demand: 'As many containers in each other as WELCOME announces are taken.',
    steps: [
      opens(),
      sends('an event of that depth', (scene) => scene.ordered('EVENT', around(deep(scene.welcome.depth)))),
      processed(),
    ],
  },
  {
    id: 'L-14',
    level: 'MUST',
    section: 10,
    demand: 'One more is payload-refused.',
    steps: [
      opens(),
      sends('an event of that depth + 1', (scene) => scene.ordered('EVENT', around(deep(scene.welcome.depth + 1)))),
      closes('payload-refused'),
    ],
  },
  {
    id: 'L-15',
    level: 'MUST',
    section: 7,
    demand: 'A message of exactly messageBytes is taken.',
    steps: [
      opens(),
      sends('an event of messageBytes', (scene) => eventOf(scene, scene.welcome.messageBytes)),
      processed(),
    ],
  },
  {
    id: 'L-16',
    level: 'MUST',
    section: 7,
    demand: 'A fragment whose total is above messageBytes is message-too-large, whatever has come of it.',
    steps: [
      opens(),
      fragmentOf('messageBytes + 1', ({ welcome }) => welcome.messageBytes + 1, 'ORDERED'),
      closes('message-too-large'),
    ],
  },
  {
    id: 'L-17',
    level: 'MUST',
    section: 7,
    demand: 'A total of 4 GiB is message-too-large.',
    steps: [opens(), fragmentOf('4 GiB', () => 0xffff_ffff, 'ORDERED'), closes('message-too-large')],
  },
  {
    id: 'L-18',
    level: 'MUST',
    section: 7,
    demand: 'Direct messages have the same bound.',
    steps: [opens(), fragmentOf('4 GiB in the direct lane', () => 0xffff_ffff, 'DIRECT'), closes('message-too-large')],
  },
];

/** Section 10, the table of limits. */
export const limits: Group = {
  name: 'limits',
  about: 'bounds on one message, each from both sides',
  cases: [...fixed, ...announced],
};
