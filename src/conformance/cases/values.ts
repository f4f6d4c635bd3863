/** The profile of CBOR: what must be let through, what must not, and what is found only when it is decoded. */
import { answer, around, closes, hears, opens, payload, processed, says, type Case, type Group } from '../steps.ts';
import { type Item, Tagged, head, tags, write } from '../items.ts';
import { join } from '../bytes.ts';

/** Payloads that are refused as a whole. */
const wholes: readonly (readonly [what: string, hex: string])[] = [
  ['nothing', ''],
  ['no array', 'a16161f6'],
  ['a text alone', '6161'],
  ['an empty array', '80'],
  ['an array with a number first', '820102'],
  ['an array that is not complete', '826161'],
  ['a byte behind the item', '81616100'],
  ['two items', '8161618161 61'],
];

/** Items in the place of an argument that are refused. */
const refusedItems: readonly (readonly [what: string, hex: string])[] = [
  ['an array of indefinite length', '9f01ff'],
  ['a map of indefinite length', 'bf6161f6ff'],
  ['a text of indefinite length', '7f6161ff'],
  ['a byte string of indefinite length', '5f4101ff'],
  ['a break', 'ff'],
  ['an integer whose head is not minimal', '1805'],
  ['an integer of 16 bits whose head is not minimal', '190010'],
  ['an integer of 32 bits whose head is not minimal', '1a00000010'],
  ['an integer of 64 bits whose head is not minimal', '1b0000000000000010'],
  ['a text whose head is not minimal', '780161'],
  ['a byte string whose head is not minimal', '580101'],
  ['an array whose head is not minimal', '9801f6'],
  ['a map with the head 0xb8 for one entry', 'b8016161f6'],
  ['a map with the head 0xba for one entry', 'ba000000016161f6'],
  ['a tag whose head is not minimal', 'da00009c4001'],
  ['the integer 2^53', '1b0020000000000000'],
  ['the integer -2^53', '3b001fffffffffffff'],
  ['the integer 2^64 - 1', '1bffffffffffffffff'],
  ['a reserved head', '1c'],
  ['the simple value 0', 'e0'],
  ['the simple value 19', 'f3'],
  ['the simple value 32', 'f820'],
  ['false in two bytes', 'f814'],
  ['a text that is not UTF-8', '61ff'],
  ['a text with an overlong form', '62c080'],
  ['a text with half a surrogate pair', '63eda080'],
  ['a text that claims more than there is', '7a00ffffff61'],
  ['an array that claims more than there is', '9a00ffffff'],
  ['a map that claims more than there is', 'ba00ffffff'],
  ['a byte string that claims more than there is', '5b00000000ffffffff'],
  ['a key that is a number', 'a101f6'],
  ['a key that is a byte string', 'a14161f6'],
  ['a key that is not UTF-8', 'a161fff6'],
  ['the key __proto__', 'a1695f5f70726f746f5f5ff6'],
  ['the key prototype', 'a16970726f746f74797065f6'],
  ['the key constructor', 'a16b636f6e7374727563746f72f6'],
  ['a key twice', 'a26161f66161f6'],
  ['tag 0', 'c06161'],
  ['tag 2', 'c24101'],
  ['tag 24', 'd8184101'],
  ['tag 258', 'd9010280'],
  ['tag 55799', 'd9d9f701'],
  ['tag 39999', 'd99c3f01'],
  ['tag 40008', 'd99c4801'],
  ['a tag with nothing behind it', 'd99c40'],
  ['a date of a text', 'd99c406161'],
  ['a map of an odd number of elements', 'd99c418101'],
  ['a map of an object', 'd99c41a0'],
  ['a set of a text', 'd99c426161'],
  ['a bigint of no bytes', 'd99c4340'],
  ['a bigint with sign 2', 'd99c43420201'],
  ['a bigint of an integer', 'd99c4301'],
  ['an error of three elements', 'd99c4483616561 6df7'],
  ['an error whose name is a number', 'd99c448401616df7f7'],
  ['an error whose message is a number', 'd99c4484616501f7f7'],
  ['an error whose code is a number', 'd99c44846165616d01f7'],
  ['a link of a text', 'd99c456161'],
  ['a link with a step of null', 'd99c4581f6'],
  ['a link with a step below 0', 'd99c458120'],
  ['a function of a text', 'd99c466161'],
  ['a function below 0', 'd99c4620'],
  ['a stream of a float', 'd99c47f93c00'],
];

/** Items in the place of an argument that are taken. */
const takenItems: readonly (readonly [what: string, hex: string])[] = [
  ['the integer 2^53 - 1', '1b001fffffffffffff'],
  ['the integer -(2^53 - 1)', '3b001ffffffffffffe'],
  ['a float of 16 bits', 'f93c00'],
  ['a float of 32 bits', 'fa3f800000'],
  ['a float of 64 bits', 'fb3ff8000000000000'],
  ['NaN, the infinities and -0', '84f97e00f97c00f9fc00f98000'],
  ['a NaN with other bits', 'fb7ff8000000000001'],
  ['an integer as a float', 'fb4014000000000000'],
  ['false, true, null and undefined', '84f4f5f6f7'],
  ['a map with the head 0xb9', 'b900016161f6'],
  ['a text with four-byte characters', '64f09f9a80'],
  ['a text that begins with U+FEFF', '64efbbbf61'],
  ['an empty key', 'a160f6'],
  ['a date, also an invalid one', '82d99c4000d99c40f97e00'],
  ['a map with keys of any kind', 'd99c418480f601f6'],
  ['a set', 'd99c42820102'],
  ['a bigint', 'd99c434a00010000000000000000'],
  ['an error with a cause', 'd99c448465457272 6f726162624531d99c4001'],
  ['a link to an object before', '8280d99c45820100'],
  ['a link to the root', 'd99c4580'],
];

/** Items that the scan lets through and that contradict themselves. */
const contradictions: readonly (readonly [what: string, hex: string])[] = [
  ['a link that leads nowhere', 'd99c45811863'],
  ['a link through a text', 'd99c45820000'],
  ['a Map with a key twice', 'd99c418401f601f6'],
  ['a Set with an element twice', 'd99c42820101'],
  ['a link to another link', '82d99c458100d99c45820100'],
  ['a function given back that was never passed', 'd99c460d'],
];

/** Each table has numbers of its own, with room behind them: what is added goes to the end of its table. */
const from = { wholes: 1, refused: 21, taken: 101, contradictions: 141, kinds: 151, echoes: 161, link: 181 } as const;

const number = (first: number, index: number): string => `V-${String(first + index).padStart(2, '0')}`;

const wholeCases = wholes.map(([what, hex], index): Case => ({
  id: number(from.wholes, index),
  level: 'MUST',
  section: index > 0 && index < 5 ? 9 : 10,
  demand: `A payload of ${what} is payload-refused.`,
  steps: [opens(), payload(hex), closes('payload-refused')],
}));

const refusedCases = refusedItems.map(([what, hex], index): Case => ({
  id: number(from.refused, index),
  level: 'MUST',
  section: 10,
  demand: `A payload with ${what} is payload-refused.`,
  steps: [opens(), payload(around(hex)), closes('payload-refused')],
}));

const takenCases = takenItems.map(([what, hex], index): Case => ({
  id: number(from.taken, index),
  level: 'MUST',
  section: 10,
  demand: `A payload with ${what} is taken.`,
  steps: [opens(), payload(around(hex)), processed()],
}));

const contradictionCases = contradictions.map(([what, hex], index): Case => ({
  id: number(from.contradictions, index),
  level: 'MUST',
  section: 9,
  demand: `${what.replace(/^a/, 'A')} is a message whose handler failed: processed, with a RECEIPT of status 1.`,
  steps: [opens(), payload(around(hex), 'DELIVER'), answer('RECEIPT', 1), processed()],
}));

const otherCases = (['DELIVER', 'CALL', 'WRITE', 'SERVICE'] as const).map((kind, index): Case => ({
  id: number(from.kinds, index),
  level: 'MUST',
  section: 10,
  demand: `The payload of a ${kind} is held against the whole list as well.`,
  steps: [opens(), payload(around('9f01ff'), kind), closes('payload-refused')],
}));

const bytesOf = (item: Item): Buffer => write(item);

/** Values that come back as they went: what the server writes is looked at by the reader of the suite. */
const values: readonly (readonly [what: string, item: Item])[] = [
  ['numbers', [0, 23, 24, 255, 256, 65_536, 2 ** 32, 2 ** 53 - 1, -1, -(2 ** 53 - 1), 1.5, 1e300]],
  ['the infinities and -0', [Infinity, -Infinity, -0]],
  ['true, false, null and undefined', [true, false, null, undefined]],
  ['texts', ['', 'hello', 'ä€🚀', 'x'.repeat(300)]],
  ['byte strings', [Buffer.alloc(0), Buffer.from([1, 2, 255])]],
  ['objects in each other', { a: 1, b: { c: [1, { d: null }] }, '': 'empty' }],
  ['a date', new Tagged(tags.date, 1_700_000_000_000)],
  ['a map', new Tagged(tags.map, ['a', 1, 2, true])],
  ['a set', new Tagged(tags.set, [1, 'two'])],
  ['a bigint', new Tagged(tags.bigint, Buffer.from([1, 255]))],
  ['an error', new Tagged(tags.error, ['RangeError', 'no', 'E1', undefined])],
  ['a long array', Array.from({ length: 3_000 }, (_, index) => index)],
];

const echoCases = values.map(([what, item], index): Case => ({
  id: number(from.echoes, index),
  level: 'MUST',
  section: 10,
  target: true,
  demand: `A value with ${what} crosses and comes back the same, within the profile.`,
  steps: [opens(), says('CALL', 'echo', item), answer('RESULT', 0, { value: item })],
}));

const linkCase: Case = {
  id: number(from.link, 0),
  level: 'MUST',
  section: 10,
  target: true,
  demand: 'A link comes back as a link: what was one object before it crossed is one behind it.',
  steps: [
    opens(),
    payload(join(head(4, 2), bytesOf('say'), bytesOf([{ a: 1 }, new Tagged(tags.link, [1, 0])]))),
    hears('EVENT', 'said', [{ a: 1 }, new Tagged(tags.link, [1, 0])]),
  ],
};

/** Section 10. */
export const payloads: Group = {
  name: 'values',
  about: 'the profile of CBOR, from both sides',
  cases: [...wholeCases, ...refusedCases, ...takenCases, ...contradictionCases, ...otherCases, ...echoCases, linkCase],
};
