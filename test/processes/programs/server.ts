/** The server of the lane: arguments are its life, the port (0: a free one), the seed, and the file of its log. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Session, createServer } from 'homing';
import { Draws } from '../../../src/testing/draws.ts';
import { watch } from '../../../src/testing/watch.ts';
import { type Notes, ends } from '../contract.ts';
import { Witness, obey } from './witness.ts';

const [life = '1', port = '0', seed = '1', file = ''] = process.argv.slice(2);
const witness = new Witness({ who: 'server', life: Number(life) }, file);
const draws = new Draws(Number(seed), `server ${life}`);

const server = createServer<Notes>((session) => {
  watch(session, 'server', witness.watcher);
  session.on('note', async (number, text) => {
    if (draws.number() < 0.3) await sleep(draws.number() * 8);
    answer(session, number, text);
  });
  session.on('fails', (number) => {
    throw new RangeError(`note ${number} asked for it`);
  });
  session.expose({
    add: (left, right) => left + right,
    slow: async (ms) => {
      await sleep(ms);
      return ms;
    },
  });
}, ends);
server.on('error', ({ code }) => {
  if (code !== 'HandlerFailed') throw new Error(`unexpected ${code}`);
});

function answer(session: Session<Notes>, number: number, text: string): void {
  const chance = draws.number();
  if (chance < 0.5) tried(() => session.send('heard', number, text));
  else if (chance < 0.7) void session.deliver('heard', number, text).catch(isOfLine);
  else if (chance < 0.8) void session.call('mood').catch(isOfLine);
}

/** A full outbox, and a session that is over, are nobody's mistake here. */
function tried(work: () => void): void {
  try {
    work();
  } catch (error) {
    isOfLine(error);
  }
}

function isOfLine(error: unknown): void {
  const { code = '' } = error as { code?: string };
  if (!['OutboxFull', 'Closed', 'OutcomeUnknown', 'Deadline', 'TooManyCalls'].includes(code)) throw error;
}

obey({
  close: () => {
    void server.close({ drainMs: 5_000 }).then(() => {
      const { sessions, connections, handshakes } = server.counts;
      const counts = [
        ['sessions after the end', sessions, 0],
        ['connections after the end', connections, 0],
        ['handshakes after the end', handshakes, 0],
      ] as const;
      witness.tell({ type: 'counts', counts });
      process.exit(0);
    });
  },
});
const listening = await server.listen(Number(port));
witness.show(`port ${listening.port}`);
