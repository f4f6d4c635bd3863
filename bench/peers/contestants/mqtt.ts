/**
 * MQTT at its highest quality of service: mqtt.js as the client, aedes as the broker, inside the server's process; the server
 * publishes and subscribes in the broker itself. A session outlives its connection (`clean: false`); requests it has none.
 *
 * What is lost to a client without any cut is no fault of the settings: where two PUBRELs wait, the memory persistence of aedes
 * (`outgoingUpdate` of aedes-persistence) finds the first for the second, as neither has a broker's id, and gives it the other's
 * number. One message at a time would hide it, at the price of a round trip for each.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { Aedes } from 'aedes';
import { connectAsync } from 'mqtt';
import type { Contestant, Link, Message } from '../contestant.ts';
import { decode, encode } from './payload.ts';

/** Publishes that have not completed, of one link: below what aedes lets a client have (1,000). */
const IN_FLIGHT_MAX = 100;
const EAGER_MS = 5;

/** MQTT with quality of service 2. */
export const mqtt: Contestant = {
  name: 'mqtt',
  promises:
    'exactly once between client and broker while both live (QoS 2, kept in memory); aedes 1.2 leaves some messages to a client undelivered',
  settings: `mqtt.js over TCP, MQTT 3.1.1, QoS 2, clean: false; broker aedes in the server's process, memory persistence, its defaults; ${IN_FLIGHT_MAX} publishes on their way; cbor-x; no calls`,
  missing: () => Promise.resolve(undefined),
  async serve(onLink) {
    const broker = await Aedes.createBroker();
    const server = createServer({ noDelay: true }, broker.handle);
    server.listen({ host: '127.0.0.1', port: 0, backlog: 8_192 });
    await once(server, 'listening');
    const takers = new Map<string, (message: Message) => void>();
    broker.subscribe(
      'up/#',
      (packet, done) => {
        takers.get(packet.topic.slice('up/'.length))?.(decode(packet.payload as Buffer));
        done();
      },
      () => {},
    );
    broker.on('subscribe', (_subscriptions, client) => {
      // One that comes back to its session is the same link.
      if (takers.has(client.id)) return;
      const take = (taking: (message: Message) => void): void => void takers.set(client.id, taking);
      take(() => {});
      onLink(linkIn(broker, client.id, take));
    });
    return {
      address: { port: (server.address() as AddressInfo).port },
      broadcast: (message) => publishIn(broker, { topic: 'all', message }, () => {}),
      async close() {
        await new Promise<void>((resolve) => broker.close(resolve));
        server.close();
      },
    };
  },
  async connect({ port }, { isEager }) {
    const id = randomUUID().replaceAll('-', '').slice(0, 22);
    const eager = isEager === true ? { reconnectPeriod: EAGER_MS } : {};
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: id, clean: false, ...eager });
    // What breaks the line is told as an event, and the client dials again by itself.
    client.on('error', () => {});
    let take: (message: Message) => void = () => {};
    client.on('message', (_topic, payload) => take(decode(payload)));
    await client.subscribeAsync([`down/${id}`, 'all'], { qos: 2 });
    const sending = new Window();
    return {
      send(message) {
        sending.begin();
        client.publish(`up/${id}`, encode(message), { qos: 2 }, () => sending.end());
        return sending.hasRoom;
      },
      room: () => sending.room(),
      onMessage: (taking) => (take = taking),
      onUp: (tell) => void client.on('connect', () => tell()),
      onDown: (tell) => void client.on('close', () => tell()),
      close: () => client.endAsync(true),
    };
  },
};

/** Counts what is on its way. */
class Window {
  #inFlight = 0;
  #ended = Promise.withResolvers<void>();

  get hasRoom(): boolean {
    return this.#inFlight < IN_FLIGHT_MAX;
  }

  begin(): void {
    this.#inFlight += 1;
  }

  end(): void {
    this.#inFlight -= 1;
    this.#ended.resolve();
    this.#ended = Promise.withResolvers();
  }

  async room(): Promise<void> {
    await turn();
    while (!this.hasRoom) await this.#ended.promise;
  }
}

/** The server's end of a client: it publishes in the broker. */
function linkIn(broker: Aedes, id: string, listen: (take: (message: Message) => void) => void): Link {
  const sending = new Window();
  const topic = `down/${id}`;
  return {
    send(message) {
      sending.begin();
      publishIn(broker, { topic, message }, () => sending.end());
      return sending.hasRoom;
    },
    room: () => sending.room(),
    onMessage: listen,
    // The broker keeps what is for a client that is away: it can always be sent to.
    onUp: () => {},
    close: () => Promise.resolve(),
  };
}

function publishIn(
  broker: Aedes,
  { topic, message }: { readonly topic: string; readonly message: Message },
  done: () => void,
): void {
  broker.publish({ cmd: 'publish', topic, payload: encode(message), qos: 2, dup: false, retain: false }, done);
}
