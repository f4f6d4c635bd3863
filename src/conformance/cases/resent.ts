/** What is sent again after a resume, and what is not. */
import { u64 } from '../bytes.ts';
import { directKinds } from '../frames.ts';
import { same } from '../scene.ts';
import type { Case, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { cuts, expects, hello, opens, processed, resumes, says, welcome } = step;

/** A new session in place of the old one. */
const gap = (): Step =>
  welcome('mode 0 with the next epoch', ({ mode, epoch }) => same('the WELCOME', [mode, epoch], [0, 2]));

/** The direct message that the server sends for the DELIVER of seq 1, as bytes. */
const receiptAgain = (wanted: boolean): Step =>
  expects(wanted ? 'the same RECEIPT as direct seq 1 again' : 'no RECEIPT again', async (scene) => {
    await scene.alive();
    await scene.alive();
    const found = scene.messages.filter(({ kind, lane }) => lane === 'direct' && kind === directKinds.RECEIPT);
    same('the seqs of receipts', found.map(({ seq }) => seq), wanted ? [1] : []); // prettier-ignore
  });

/** Sections 5, 6 and 9. */
export const resent: readonly Case[] = [
  {
    id: 'R-27',
    level: 'MUST',
    section: 5,
    demand: 'A direct message that the client has not received is sent again, with the same seq.',
    steps: [
      opens(),
      says('DELIVER', 'unheard'),
      step.answer('RECEIPT', 2),
      cuts(),
      resumes({ directReceived: 0 }, 'HELLO mode 1 with directReceived 0'),
      receiptAgain(true),
    ],
  },
  {
    id: 'R-28',
    level: 'MUST',
    section: 5,
    demand: 'A direct message that the client has received is not sent again.',
    steps: [opens(), says('DELIVER', 'unheard'), step.answer('RECEIPT', 2), cuts(), resumes(), receiptAgain(false)],
  },
  {
    id: 'R-29',
    level: 'MUST',
    section: 5,
    target: true,
    demand: 'An ordered message that the client has not received is sent again, with the same seq and payload.',
    steps: [
      opens(),
      says('EVENT', 'say', 'again'),
      step.hears('EVENT', 'said', 'again'),
      cuts(),
      resumes({ orderedReceived: 0, cursor: 0 }, 'HELLO mode 1 with orderedReceived 0'),
      step.hears('EVENT', 'said', 'again'),
      expects('it to be seq 1', ({ session }) => same('the seq', session.orderedReceived, 1)),
    ],
  },
  {
    id: 'R-30',
    level: 'MUST',
    section: 6,
    target: true,
    demand: 'An ordered message that was received and not processed is kept, and not sent again.',
    steps: [
      opens(),
      says('EVENT', 'say', 1),
      step.hears('EVENT', 'said', 1),
      cuts(),
      resumes({ orderedReceived: 1, cursor: 0 }, 'HELLO mode 1 with orderedReceived 1, cursor 0'),
      says('EVENT', 'say', 2),
      step.hears('EVENT', 'said', 2),
      step.nothingMore(),
    ],
  },
  {
    id: 'R-31',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A call runs on while its connection is gone, and its result comes on the next one.',
    steps: [
      opens(),
      says('CALL', 'wait', 300),
      processed(),
      cuts(),
      resumes(),
      step.answer('RESULT', 0, { value: 'waited' }),
    ],
  },
  {
    id: 'R-32',
    level: 'MUST',
    section: 9,
    target: true,
    demand: 'A call runs once, over any number of connections.',
    steps: [
      opens(),
      says('CALL', 'count'),
      processed(),
      cuts(),
      resumes(),
      step.answer('RESULT', 0, { value: 1 }),
      says('CALL', 'count'),
      step.answer('RESULT', 0, { value: 2 }),
    ],
  },
  {
    id: 'R-33',
    level: 'MUST',
    section: 5,
    target: true,
    demand: 'What was received runs on across connections and does not start twice.',
    steps: [
      opens(),
      says('EVENT', 'slow', 400),
      says('EVENT', 'say', 'once'),
      expects('ACK, both are received', (scene) => scene.acked({ orderedReceived: 2 })),
      cuts(),
      resumes(),
      step.hears('EVENT', 'said', 'once'),
      step.nothingMore(),
    ],
  },
  {
    id: 'R-34',
    level: 'MUST',
    section: 11,
    demand: 'Receipts of an old epoch are never sent in a new one.',
    steps: [
      opens(),
      says('DELIVER', 'unheard'),
      step.answer('RECEIPT', 2),
      cuts(),
      hello('HELLO mode 2', { mode: 2 }),
      gap(),
      step.acks(),
      receiptAgain(false),
    ],
  },
  {
    id: 'R-35',
    level: 'MUST',
    section: 5,
    demand: 'A CANCEL that was received is not expected again after a resume.',
    steps: [opens(), step.direct('CANCEL', u64(1)), step.received(), cuts(), resumes(), step.direct('CANCEL', u64(1)), step.received()], // prettier-ignore
  },
];
