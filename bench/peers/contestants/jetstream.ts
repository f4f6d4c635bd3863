/**
 * JetStream: messages are stored by the broker under ids, so that one published again is dropped, and delivered until they
 * are acknowledged. One publish is one attempt: trying again with the same id is its user's part, as its pages say.
 */
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import {
  AckPolicy,
  type ConsumerMessages,
  type JetStreamClient,
  RetentionPolicy,
  StorageType,
  jetstream as jetstreamOf,
  jetstreamManager,
} from '@nats-io/jetstream';
import { type NatsConnection, nanos } from '@nats-io/transport-node';
import type { Contestant, Link, Message } from '../contestant.ts';
import { missingBroker, startBroker } from './nats-server.ts';
import { connectNats, onDisconnect, onReconnect } from './nats.ts';
import { decode, encode } from './payload.ts';

const STREAM = 'links';
/** Publishes that wait for their acknowledgement, of one link: the window of the example in NATS's pages. */
const IN_FLIGHT_MAX = 256;
/** Messages that a consumer asks for ahead. */
const AHEAD = 256;
/** A publish is tried again after so long without an answer; what came to a consumer comes again after so long unacknowledged. */
const ANSWER_MS = 1_000;
const AGAIN_MS = 20;
const HELLO_MS = 10_000;

/** JetStream through its server, with ids. */
export const jetstream: Contestant = {
  name: 'jetstream',
  promises:
    'at least once, stored by the broker before it is acknowledged; published again within 2 minutes: dropped by id; what is delivered again comes late and twice',
  settings: `broker nats-server in a process of its own; one stream: file storage synced by its default (2 minutes), one replica, interest retention, ids kept for 2 minutes; ${IN_FLIGHT_MAX} publishes on their way, again with the same id after ${ANSWER_MS} ms and when the line is back; pull consumers, ${AHEAD} messages ahead, an ack for each, delivered again after ${ANSWER_MS} ms; cbor-x; no calls`,
  missing: () => Promise.resolve(missingBroker()),
  async serve(onLink) {
    const broker = await startBroker({ hasJetStream: true });
    const connection = await connectNats(broker.port, { isEager: true });
    const manager = await jetstreamManager(connection);
    await manager.streams.add({
      name: STREAM,
      subjects: ['up.*', 'down.*'],
      storage: StorageType.File,
      retention: RetentionPolicy.Interest,
      duplicate_window: nanos(120_000),
    });
    const takers = new Map<string, (message: Message) => void>();
    const senders = new Map<string, Sender>();
    const messages = await consume(connection, { name: 'server', subject: 'up.*' }, (id, message) =>
      takers.get(id)?.(message),
    );
    connection.subscribe('hello', {
      callback(_error, hello) {
        const id = hello.string();
        const sender = new Sender(connection, `down.${id}`);
        senders.set(id, sender);
        onLink(
          linkOf(
            connection,
            sender,
            (take) => takers.set(id, take),
            () => senders.delete(id),
          ),
        );
        hello.respond();
      },
    });
    await connection.flush();
    return {
      address: { port: broker.port },
      brokerPid: broker.pid,
      // A consumer of this server's version reads one subject: each client gets a publish of its own.
      broadcast(message) {
        for (const sender of senders.values()) sender.send(message);
      },
      async close() {
        messages.stop();
        await connection.close();
        await broker.close();
      },
    };
  },
  async connect({ port }, options) {
    const connection = await connectNats(port, options);
    const id = randomUUID();
    let take: (message: Message) => void = () => {};
    const messages = await consume(connection, { name: id, subject: `down.${id}` }, (_id, message) => take(message));
    await connection.request('hello', id, { timeout: HELLO_MS });
    const link = linkOf(
      connection,
      new Sender(connection, `up.${id}`),
      (taking) => (take = taking),
      () => messages.stop(),
    );
    return {
      ...link,
      async close() {
        await link.close();
        await connection.close();
      },
    };
  },
};

/** A durable consumer that acknowledges each message when it is taken; `take` gets the last part of the subject too. */
async function consume(
  connection: NatsConnection,
  { name, subject }: { readonly name: string; readonly subject: string },
  take: (id: string, message: Message) => void,
): Promise<ConsumerMessages> {
  const client = jetstreamOf(connection);
  const manager = await jetstreamManager(connection, { checkAPI: false });
  await manager.consumers.add(STREAM, {
    durable_name: name,
    filter_subject: subject,
    ack_policy: AckPolicy.Explicit,
    ack_wait: nanos(ANSWER_MS),
  });
  const consumer = await client.consumers.get(STREAM, name);
  return consumer.consume({
    max_messages: AHEAD,
    callback(message) {
      take(message.subject.slice(message.subject.indexOf('.') + 1), decode(message.data));
      message.ack();
    },
  });
}

/** Publishes on one subject, each message under an id until the broker has it. */
class Sender {
  readonly #client: JetStreamClient;
  readonly #connection: NatsConnection;
  readonly #subject: string;
  readonly #pending = new Map<string, Uint8Array>();
  #count = 0;
  #hasRoom = Promise.withResolvers<void>();

  constructor(connection: NatsConnection, subject: string) {
    this.#connection = connection;
    this.#client = jetstreamOf(connection, { timeout: ANSWER_MS });
    this.#subject = subject;
    // What was published over the line that broke is not answered: waiting for the time limit would only cost time.
    onReconnect(connection, () => {
      for (const id of this.#pending.keys()) this.#publish(id);
    });
  }

  send(message: Message): boolean {
    this.#count += 1;
    const id = `${this.#subject}-${this.#count}`;
    this.#pending.set(id, encode(message));
    this.#publish(id);
    return this.#pending.size < IN_FLIGHT_MAX;
  }

  async room(): Promise<void> {
    await turn();
    while (this.#pending.size >= IN_FLIGHT_MAX) await this.#hasRoom.promise;
  }

  #publish(id: string): void {
    const payload = this.#pending.get(id);
    if (payload === undefined || this.#connection.isClosed()) return;
    this.#client.publish(this.#subject, payload, { msgID: id }).then(
      () => {
        this.#pending.delete(id);
        this.#hasRoom.resolve();
        this.#hasRoom = Promise.withResolvers();
      },
      // No answer, or no line: whether it is stored nobody knows, which the id settles.
      () => setTimeout(() => this.#publish(id), AGAIN_MS),
    );
  }
}

function linkOf(
  connection: NatsConnection,
  sender: Sender,
  listen: (take: (message: Message) => void) => void,
  end: () => void,
): Link {
  return {
    send: (message) => sender.send(message),
    room: () => sender.room(),
    onMessage: listen,
    onUp: (tell) => onReconnect(connection, tell),
    onDown: (tell) => onDisconnect(connection, tell),
    close: () => Promise.resolve(end()),
  };
}
