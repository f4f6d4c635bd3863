/** Homing: sessions of one contract, with default options. */
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
export const homing: Contestant = {
  name: 'homing',
  promises: 'every message handled once, in order, across cuts; calls run once',
  settings: 'default options, the server on one thread',
  missing: () => Promise.resolve(undefined),
  async serve(onLink, { tls, hasChecksum }) {
    const server = createServer<Bench>(
      (session) => {
        session.expose({ add: (left, right) => left + right });
        onLink(linkOfSession(session));
      },
      { checksum: hasChecksum },
    );
    const { port } = await server.listen(tls === undefined ? 0 : { port: 0, tls });
    return {
      address: { port },
      broadcast: (message) => void server.toAll().send('message', message),
      close: () => server.close(),
    };
  },
  async connect({ port }, { ca, hasChecksum, isEager }) {
    const client = createClient<Bench>(
      { port, host: '127.0.0.1', tls: ca === undefined ? undefined : { ca } },
      { checksum: hasChecksum, backoff: isEager === true ? eager : undefined },
    );
    await client.up();
    return linkOfClient(client);
  },
};

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
