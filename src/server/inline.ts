/** The one shard of a server without threads: everything runs where the server was made. */
import type { Duplex } from 'node:stream';
import type { SessionInfo } from '../actors/hosted-session.ts';
import type { HeldFailed, Sent } from '../actors/group-sender.ts';
import type { GroupMessage } from '../actors/notes.ts';
import type { Clock } from '../actors/ports.ts';
import type { PresenceFeed } from '../actors/presence-feed.ts';
import type { ShardCounts } from '../actors/tally.ts';
import { routeTo } from '../client/route-to.ts';
import { HomingError } from '../errors.ts';
import type { Address } from '../transports/address.ts';
import { existingStream } from '../transports/stream-dial.ts';
import { type Listening, type TcpListener, acceptedLine, listenTcp } from '../transports/tcp.ts';
import { tlsTerms } from '../transports/tls.ts';
import type { BehaviorShard } from './behavior-shard.ts';
import type { DialOptions, Shards } from './shards.ts';

/** A shard on the calling thread, with its listeners. */
export class InlineShards implements Shards {
  readonly #clock: Clock;
  readonly #inner: BehaviorShard;
  readonly #listeners = new Set<TcpListener>();
  readonly #closing = Promise.withResolvers<void>();
  #isClosing = false;
  #isShut = false;

  readonly #closed: () => Promise<void> | undefined;

  /** `closed` is waited for at the end. */
  constructor(clock: Clock, inner: BehaviorShard, closed: () => Promise<void> | undefined) {
    this.#clock = clock;
    this.#inner = inner;
    this.#closed = closed;
  }

  get counts(): ShardCounts {
    return this.#inner.shard.counts;
  }

  async listen(address: Address): Promise<Listening> {
    const tls = address.tls === undefined ? undefined : tlsTerms(address.tls);
    const listener = await listenTcp(address, (socket) => this.#inner.shard.accept(acceptedLine(socket, tls)));
    if (this.#isClosing) {
      await listener.close();
      throw new HomingError('Closed', 'the server is closed');
    }
    this.#listeners.add(listener);
    return listener.address;
  }

  accept(stream: Duplex): void {
    this.#inner.shard.accept(existingStream(stream));
  }

  dial(address: Address, options: DialOptions): Promise<SessionInfo> {
    const { credentials, signal } = options;
    return new Promise((resolve, reject) => {
      const end = this.#inner.dial({
        ...routeTo(this.#clock, address),
        credentials: () => (typeof credentials === 'function' ? (credentials as () => unknown)() : credentials),
        settled: (result) => (result instanceof HomingError ? reject(result) : resolve(result)),
        over: () => signal?.removeEventListener('abort', end),
      });
      signal?.addEventListener('abort', end, { once: true });
      if (signal?.aborted === true) end();
    });
  }

  send(message: GroupMessage, holdMs: number | undefined, failed: HeldFailed): Sent | Promise<Sent> {
    return this.#inner.shard.groups.sender.send(message, holdMs, failed);
  }

  watch(): PresenceFeed {
    return this.#inner.shard.presence.watch();
  }

  drain(drainMs: number): Promise<void> {
    this.#isClosing = true;
    this.#inner.drain(drainMs, () => this.#shut());
    return this.#closing.promise;
  }

  /** Only now: a client whose connection is lost in the drain comes back to finish. */
  #shut(): void {
    if (this.#isShut) return;
    this.#isShut = true;
    const closing = [...this.#listeners].map((listener) => listener.close());
    void Promise.all([...closing, this.#closed()]).then(() => this.#closing.resolve());
  }
}
