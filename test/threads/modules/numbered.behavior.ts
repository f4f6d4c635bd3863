/**
 * Both directions of the law on threads, in a shard: each message is written down before anything else, checked, and may
 * end the thread; meanwhile the session sends numbered ones of its own until it is told to stop.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Session, HomingError, defineBehavior } from 'homing';
import { enter, saidBy } from '../ledger.ts';
import { type Ending, type Numbered, isPayloadOf, payloadOf } from '../numbered.ts';

/** Sessions that send as fast as they can would leave the other end no time to be cut. */
const PACE_MS = 2;

export default defineBehavior<Numbered>({
  module: import.meta.url,
  authenticate: (account) => account,
  start(session) {
    const { ledger } = session.identity;
    const talk = { isStopped: false, sent: 0 };
    const talking = talkOn(session, talk);
    session.on('item', async (number, payload, deed) => {
      enter(ledger, session.id, number);
      if (!isPayloadOf(number, payload)) enter(ledger, `altered-${session.id}`, number);
      if (deed === 'nothing') return;
      if (deed === 'hold') return new Promise<void>(() => {});
      if (deed !== 'stop') return end(deed);
      talk.isStopped = true;
      await talking;
      session.send('total', talk.sent);
    });
    session.connection.on('closed', () => enter(ledger, saidBy(session.id), talk.sent));
  },
});

/** Sends until it is told to stop, or the session is over. */
async function talkOn(session: Session<Numbered>, talk: { readonly isStopped: boolean; sent: number }): Promise<void> {
  try {
    while (!talk.isStopped) {
      const hasRoom = session.send('item', talk.sent, payloadOf(talk.sent));
      talk.sent += 1;
      if (!hasRoom) await session.writable();
      if (talk.sent % 4 === 0) await pause(PACE_MS);
    }
  } catch (error) {
    if (!(error instanceof HomingError)) throw error;
  }
}

function end(deed: Ending): undefined {
  switch (deed) {
    case 'exit':
      return process.exit(3);
    case 'throw':
      setTimeout(() => {
        throw new Error('a timer of the behavior threw');
      });
      return undefined;
    case 'loop':
      for (;;);
    case 'memory': {
      const hoard: number[][] = [];
      for (;;) hoard.push(new Array<number>(1_000_000).fill(hoard.length));
    }
  }
}
