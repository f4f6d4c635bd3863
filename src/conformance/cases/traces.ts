/** The trace of a call, in a frame that a server may know nothing of. */
import { join, u8 } from '../bytes.ts';
import type { Case, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { alive, answer, nothingMore, opens, says, sends } = step;

const TRACE = 0x80;
const parent = Buffer.from('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
const traceBody = join(u8(parent.length), parent, u8(0), u8(0));

/** A frame of type TRACE, which a server may skip. */
const trace = (says: string, seq: number, body: Uint8Array, flags = 0): Step =>
  sends(`TRACE ${says}`, (scene) => scene.control(TRACE, body, { seq: BigInt(seq), flags }));

/** Section 9 on traces. */
export const traces: readonly Case[] = [
  {
    id: 'K-30',
    level: 'MUST',
    section: 9,
    demand: 'A TRACE changes nothing of the CALL that follows it.',
    steps: [
      opens(),
      trace('of seq 1', 1, traceBody),
      says('CALL', 'no such method'),
      answer('RESULT', 2),
      nothingMore(),
    ],
  },
  {
    id: 'K-31',
    level: 'MUST',
    section: 9,
    demand: 'A TRACE that is malformed, or belongs to no call, has no effect.',
    steps: [
      opens(),
      trace('without a body', 1, Buffer.alloc(0)),
      trace('with bytes left over', 1, join(traceBody, u8(0))),
      trace('of seq 9, with flags 255', 9, traceBody, 255),
      says('CALL', 'no such method'),
      answer('RESULT', 2),
      trace('of a seq that was processed', 1, traceBody),
      alive(),
    ],
  },
];
