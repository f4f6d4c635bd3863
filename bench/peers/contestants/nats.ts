/**
 * NATS core: both ends are clients of a broker, a link is a pair of subjects. Publishing never blocks and never fails, so
 * `flush()`, an answer of the broker to all before it, is what holds a sender back.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { type ConnectionOptions, type NatsConnection, connect } from '@nats-io/transport-node';
import type { ConnectOptions, Contestant, Link, Message } from '../contestant.ts';
import { missingBroker, startBroker } from './nats-server.ts';
import { decode, encode } from './payload.ts';

/** Bytes that a sender publishes between two flushes, and flushes on their way: enough that no end waits for another. */
const FLUSH_BYTES = 64 * 1024;
const FLUSHES_MAX = 4;
const CALL_MS = 10_000;

/** NATS core through its server. */
export const nats: Contestant = {
  name: 'nats',
  promises: 'at most once: what is published while the line is down, or was under way, is lost without an error',
  settings: `core; broker nats-server in a process of its own, both ends its clients; cbor-x; callbacks; flush() every ${FLUSH_BYTES / 1024} KB, ${FLUSHES_MAX} on their way; request/reply for calls; reconnects without end`,
  missing: () => Promise.resolve(missingBroker()),
  async serve(onLink) {
    const broker = await startBroker({ hasJetStream: false });
    const connection = await connectNats(broker.port, { isEager: true });
    connection.subscribe('hello', {
      callback(_error, hello) {
        const id = hello.string();
        onLink(linkOf(connection, { incoming: `up.${id}`, outgoing: [`down.${id}`] }));
        hello.respond();
      },
    });
    connection.subscribe('add', {
      callback(_error, call) {
        const [left, right] = decode<readonly [number, number]>(call.data);
        call.respond(encode(left + right));
      },
    });
    await connection.flush();
    return {
      address: { port: broker.port },
      brokerPid: broker.pid,
      broadcast: (message) => connection.publish('all', encode(message)),
      async close() {
        await connection.close();
        await broker.close();
      },
    };
  },
  async connect({ port }, options) {
    const connection = await connectNats(port, options);
    const id = randomUUID();
    const link = linkOf(connection, { incoming: `down.${id}`, outgoing: [`up.${id}`], alsoIncoming: 'all' });
    // The subscriptions reach the broker before this: what the server sends once it knows the link arrives.
    await connection.request('hello', id, { timeout: CALL_MS });
    return {
      ...link,
      async call(left, right) {
        const { data } = await connection.request('add', encode([left, right]), { timeout: CALL_MS });
        return decode<number>(data);
      },
      close: () => connection.close(),
    };
  },
};

/** Connects as the pages of NATS advise: never gives up, and without traces that cost on each request. */
export function connectNats(port: number, { isEager }: ConnectOptions): Promise<NatsConnection> {
  const eager: ConnectionOptions = isEager === true ? { reconnectTimeWait: 1, reconnectJitter: 0 } : {};
  return connect({
    servers: `127.0.0.1:${port}`,
    maxReconnectAttempts: -1,
    ignoreClusterUpdates: true,
    noAsyncTraces: true,
    ...eager,
  });
}

/** Calls back whenever the connection is there again. Ends with the connection. */
export function onReconnect(connection: NatsConnection, tell: () => void): void {
  void onStatus(connection, 'reconnect', tell);
}

/** Calls back whenever the client notices that the connection is gone. Ends with the connection. */
export function onDisconnect(connection: NatsConnection, tell: () => void): void {
  void onStatus(connection, 'disconnect', tell);
}

async function onStatus(connection: NatsConnection, wanted: string, tell: () => void): Promise<void> {
  for await (const { type } of connection.status()) if (type === wanted) tell();
}

interface Subjects {
  readonly incoming: string;
  readonly alsoIncoming?: string;
  readonly outgoing: readonly [string];
}

function linkOf(connection: NatsConnection, { incoming, alsoIncoming, outgoing: [outgoing] }: Subjects): Link {
  let take: (message: Message) => void = () => {};
  const flushes: Promise<void>[] = [];
  let bytes = 0;
  const callback = (_error: Error | null, { data }: { readonly data: Uint8Array }): void => take(decode(data));
  const subscriptions = [incoming, ...(alsoIncoming === undefined ? [] : [alsoIncoming])].map((subject) =>
    connection.subscribe(subject, { callback }),
  );
  return {
    send(message) {
      const payload = encode(message);
      connection.publish(outgoing, payload);
      bytes += payload.length;
      if (bytes < FLUSH_BYTES) return true;
      bytes = 0;
      // One that the outage took is no news: so are the messages before it.
      flushes.push(connection.flush().catch(() => {}));
      return flushes.length < FLUSHES_MAX;
    },
    async room() {
      await Promise.all([flushes.shift(), turn()]);
    },
    onMessage: (taking) => (take = taking),
    onUp: (tell) => onReconnect(connection, tell),
    onDown: (tell) => onDisconnect(connection, tell),
    close() {
      for (const subscription of subscriptions) subscription.unsubscribe();
      return Promise.resolve();
    },
  };
}
