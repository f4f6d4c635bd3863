/** Credit both ways: what the server grants and holds its client to, and what it keeps to itself. */
import { Skipped, join } from '../bytes.ts';
import { head, write } from '../items.ts';
import { type Scene, same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { acks, alive, closes, expects, hears, opens, processed, says, sends } = step;

/** Events that wait behind a handler that is slow, so that none of their credit comes back. */
const behindSlow = (what: string, bytes: (scene: Scene) => Buffer): readonly Step[] => [
  opens(),
  says('EVENT', 'slow', 2_500),
  expects('ACK, it is received', (scene) => scene.acked({ orderedReceived: 1 })),
  sends(what, bytes),
];

const notes = (count: (scene: Scene) => number) => (scene: Scene) =>
  join(...Array.from({ length: count(scene) }, () => scene.say('EVENT', 'note')));

/** An event with a payload of exactly so many bytes. */
function eventOf(bytes: number): Buffer {
  const name = write('note');
  const rest = bytes - 1 - name.length;
  const headBytes = [1, 2, 3, 5].find((size) => head(2, rest - size).length === size) ?? 5;
  return join(head(4, 2), name, write(Buffer.alloc(rest - headBytes)));
}

/** The items that came are just these, and two round trips bring no other. */
const items = (...wanted: readonly number[]): Step =>
  expects(wanted.length === 0 ? 'no item' : `items ${wanted.join(', ')} and no other`, async (scene) => {
    for (const index of wanted) same('the item', (await scene.heard('EVENT', 'item'))[1], index);
    await scene.alive();
    await scene.alive();
    same('the messages that wait', scene.messages.length, 0);
  });

const granted: readonly Case[] = [
  {
    id: 'C-01',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'As many messages may be outstanding as the window says.',
    steps: [
      ...behindSlow(
        'events up to the window',
        notes(({ welcome }) => Math.min(welcome.windowMessages, 5_000) - 1),
      ),
      alive(),
      processed(),
    ],
  },
  {
    id: 'C-02',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'One message more than the window is credit-exceeded.',
    steps: [
      ...behindSlow(
        'events one beyond the window',
        notes(({ welcome }) => {
          if (welcome.windowMessages > 5_000) throw new Skipped('its window is more than 5,000 messages');
          return welcome.windowMessages;
        }),
      ),
      closes('credit-exceeded'),
    ],
  },
  {
    id: 'C-03',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'More bytes of payload than the window are credit-exceeded.',
    steps: [
      ...behindSlow('events of 50,000 bytes beyond windowBytes', (scene) => {
        const { windowBytes, windowMessages } = scene.welcome;
        const count = Math.floor(windowBytes / 50_000) + 1;
        if (count >= windowMessages || windowBytes > 8_388_608) throw new Skipped('its window of bytes is too large');
        return join(...Array.from({ length: count }, () => scene.ordered('EVENT', eventOf(50_000))));
      }),
      closes('credit-exceeded'),
    ],
  },
  {
    id: 'C-04',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'A message in fragments counts whole from its first one.',
    steps: [
      ...behindSlow('the first fragment of a message as large as the window', (scene) => {
        const { windowBytes, messageBytes } = scene.welcome;
        if (windowBytes > messageBytes) throw new Skipped('its window is larger than its messages may be');
        return scene.fragment(windowBytes, 0, eventOf(65_536));
      }),
      closes('credit-exceeded'),
    ],
  },
  {
    id: 'C-05',
    level: 'MUST',
    section: 7,
    demand: 'A message that is larger than windowBytes may come when nothing else is outstanding.',
    steps: [
      opens(),
      step.sends('an event of windowBytes + 1 bytes', (scene) => {
        const { windowBytes, messageBytes } = scene.welcome;
        if (windowBytes >= messageBytes) throw new Skipped('its windowBytes are as much as its messageBytes');
        return scene.ordered('EVENT', eventOf(windowBytes + 1));
      }),
      processed(),
    ],
  },
  {
    id: 'C-06',
    level: 'MUST',
    section: 7,
    demand: 'Credit comes back as messages are processed: five windows of events pass.',
    withinMs: 10_000,
    steps: [
      opens(),
      expects('all to be processed', async (scene) => {
        const window = Math.min(scene.welcome.windowMessages, 1_024);
        for (let round = 0; round < 5; round += 1) {
          await scene.write(notes(() => window)(scene));
          await scene.acked({ cursor: scene.session.orderedSent });
        }
      }),
    ],
  },
];

const kept: readonly Case[] = [
  {
    id: 'C-07',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'The server keeps to the window of HELLO, and goes on by the cursor of an ACK.',
    steps: [
      opens({ windowMessages: 2 }, 'a new session with windowMessages 2'),
      says('EVENT', 'many', 5),
      items(1, 2),
      acks(),
      items(3, 4),
      acks(),
      items(5),
    ],
  },
  {
    id: 'C-08',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'With windowMessages 0 nothing is sent.',
    steps: [
      opens({ windowMessages: 0 }, 'a new session with windowMessages 0'),
      says('EVENT', 'many', 3),
      items(),
      acks({ windowMessages: 1 }),
      items(1),
    ],
  },
  {
    id: 'C-09',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'The server keeps to windowBytes.',
    steps: [
      opens({ windowBytes: 15 }, 'a new session with windowBytes 15'),
      says('EVENT', 'many', 3),
      items(1, 2),
      acks(),
      items(3),
    ],
  },
  {
    id: 'C-10',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'A message larger than windowBytes waits until nothing else is outstanding.',
    steps: [
      opens({ windowBytes: 100 }, 'a new session with windowBytes 100'),
      says('EVENT', 'many', 1),
      says('EVENT', 'big', 1_000),
      items(1),
      acks(),
      hears('EVENT', 'blob', Buffer.alloc(1_000)),
    ],
  },
  {
    id: 'C-11',
    level: 'MUST',
    section: 7,
    demand: 'Direct messages need no credit.',
    steps: [
      opens({ windowMessages: 0, windowBytes: 0 }, 'a new session with no window at all'),
      says('DELIVER', 'unheard'),
      step.answer('RECEIPT', 2),
    ],
  },
  {
    id: 'C-12',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'The latest window counts: one that became smaller as the cursor rose.',
    steps: [
      opens({ windowMessages: 3 }, 'a new session with windowMessages 3'),
      says('EVENT', 'many', 6),
      items(1, 2, 3),
      acks({ windowMessages: 1 }),
      items(4),
    ],
  },
  {
    id: 'C-13',
    level: 'MUST',
    section: 7,
    target: true,
    demand: 'After a resume, messages that were received and not processed are still outstanding.',
    steps: [
      opens({ windowMessages: 2 }, 'a new session with windowMessages 2'),
      says('EVENT', 'many', 4),
      items(1, 2),
      step.cuts(),
      step.does('HELLO mode 1 with orderedReceived 2, cursor 0', async (scene) => {
        await scene.dial();
        await scene.write(scene.hello({ mode: 1, orderedReceived: 2, cursor: 0, windowMessages: 2 }));
        await scene.welcomed();
        await scene.write(scene.ack());
      }),
      items(),
      sends('ACK with cursor 2', (scene) => scene.ack({ cursor: 2 })),
      items(3, 4),
    ],
  },
  {
    id: 'C-14',
    level: 'MUST',
    section: 4,
    target: true,
    demand: 'In a new session granted to a claim the credit of the server is that of the first ACK, and not of HELLO.',
    steps: [
      opens(),
      step.cuts(),
      step.hello('HELLO mode 2', { mode: 2 }),
      step.welcome('mode 0', ({ mode }) => same('the mode', mode, 0)),
      acks({ windowMessages: 0 }),
      step.says('EVENT', 'say', 1),
      items(),
      acks(),
      hears('EVENT', 'said', 1),
    ],
  },
];

/** Section 7. */
export const credit: Group = {
  name: 'credit',
  about: 'windows of messages and bytes, both ways',
  cases: [...granted, ...kept],
};
