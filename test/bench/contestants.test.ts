/** What every row counts on, for each contestant that can run here: both ends of a link, calls where it has them, broadcasts. */
import { EventEmitter, once } from 'node:events';
import { describe, expect, test } from 'vitest';
import type { Link, Message } from '../../bench/peers/contestant.ts';
import { messageOf, userOf } from '../../bench/peers/message.ts';
import { contestantNames, contestantOf, hasCalls, obstacleOf } from '../../bench/peers/registry.ts';

const COUNT = 100;
const messages = Array.from({ length: COUNT }, (_, id) => messageOf(id, userOf(0), 'quick'));

/** Those that run inside a test's thread: what engine.io requires of ws is not found there. */
const names = contestantNames.filter((name) => name !== 'socket.io');
const obstacles = new Map(await Promise.all(names.map(async (name) => [name, await obstacleOf(name)] as const)));
for (const [name, obstacle] of obstacles)
  if (obstacle !== undefined) console.warn(`${name} IS NOT TESTED: ${obstacle}`);

describe.each(names)('%s', (name) => {
  test.skipIf(obstacles.get(name) !== undefined)(
    'carries messages both ways in order and to all clients, and answers calls where it has them',
    async () => {
      const contestant = await contestantOf(name);
      const links: Link[] = [];
      const atServer = new Inbox();
      const served = await contestant.serve((link) => {
        links.push(link);
        link.onMessage((message) => atServer.take(message));
      }, {});
      const clients = [await contestant.connect(served.address, {}), await contestant.connect(served.address, {})];
      const inboxes = clients.map((client) => {
        const inbox = new Inbox();
        client.onMessage((message) => inbox.take(message));
        return inbox;
      });
      const [first] = clients;
      const [firstInbox] = inboxes;

      for (const message of messages) if (first?.send(message) === false) await first.room();
      expect(await atServer.upTo(COUNT)).toEqual(messages);

      const sum = await first?.call?.(20, 3);
      expect(sum).toBe(hasCalls(name) ? 23 : undefined);

      links[0]?.send(messageOf(0, userOf(0), 'quick'));
      expect(await firstInbox?.upTo(1)).toEqual(messages.slice(0, 1));

      served.broadcast(messageOf(COUNT, userOf(1), 'to all'));
      const last = await Promise.all(inboxes.map((inbox, index) => inbox.upTo(index === 0 ? 2 : 1)));
      expect(last.map((got) => got.at(-1)?.text)).toEqual(['to all', 'to all']);

      await Promise.all(clients.map((client) => client.close()));
      await served.close();
    },
  );
});

/** What came, for somebody who waits for it. */
class Inbox {
  readonly #came: Message[] = [];
  readonly #events = new EventEmitter();

  take(message: Message): void {
    this.#came.push(message);
    this.#events.emit('came');
  }

  async upTo(count: number): Promise<readonly Message[]> {
    while (this.#came.length < count) await once(this.#events, 'came');
    return this.#came;
  }
}
