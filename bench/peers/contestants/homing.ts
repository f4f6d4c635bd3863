/** Homing: sessions of one contract, with default options. `homing inspected` has an inspector that nobody looks at. */
import { type Client, type Session, createClient, createServer } from 'homing';
import type { Contestant, Link, Message } from '../contestant.ts';

/** What the two ends say to each other. */
export type Bench = {
  server: { events: { message: [value: Message] }; methods: { add(left: number, right: number): number } };
  client: { events: { message: [value: Message] } };
};

/** Dials at once, and again each few milliseconds. */
const eager = { firstMs: 1, baseMs: 5, maxMs: 20 };

/** The contestant that the others are compared with. */
export const homing: Contestant = contestantWith('homing', false);

/** The same, looked at by an inspector without viewers. */
export const homingInspected: Contestant = contestantWith('homing inspected', true);

function contestantWith(name: string, isInspected: boolean): Contestant {
  const inspect = isInspected ? { port: 0 } : undefined;
  return {
    name,
    promises: 'every message handled once, in order, across cuts; calls run once',
    settings: `default options, the server on one thread${isInspected ? ', an inspector at both ends' : ''}`,
    missing: () => Promise.resolve(undefined),
    async serve(onLink, { tls, hasChecksum }) {
      const server = createServer<Bench>(
        (session) => {
          session.expose({ add: (left, right) => left + right });
          onLink(linkOfSession(session));
        },
        { checksum: hasChecksum, inspect },
      );
      const { port } = await server.listen(tls === undefined ? 0 : { port: 0, tls });
      return {
        address: { port },
        broadcast: (message) => void server.toAll().send('message', message),
        close: () => server.close(),
      };
    },
    async connect({ port }, { ca, hasChecksum, isEager }) {
      const backoff = isEager === true ? eager : undefined;
      const client = createClient<Bench>(
        { port, host: '127.0.0.1', tls: ca === undefined ? undefined : { ca } },
        { checksum: hasChecksum, backoff, inspect },
      );
      await client.up();
      return linkOfClient(client);
    },
  };
}

function linkOfSession(session: Session<Bench>): Link {
  return {
    send: (message) => session.send('message', message),
    room: () => session.writable(),
    onMessage: (take) => void session.on('message', take),
    onUp: (tell) => void session.connection.on('up', () => tell()),
    close: () => session.close(),
  };
}

function linkOfClient(client: Client<Bench>): Link {
  return {
    send: (message) => client.send('message', message),
    room: () => client.writable(),
    onMessage: (take) => void client.on('message', take),
    call: (left, right) => client.call('add', left, right),
    onUp: (tell) => void client.connection.on('up', () => tell()),
    onDown: (tell) => void client.connection.on('down', () => tell()),
    close: () => client.close(),
  };
}
