/**
 * The listeners of a server whose shards are threads. This thread listens at ports and deals the sockets; a path one of
 * the shards has to listen at, because what it accepts cannot be moved. Beside a port each shard may have its own.
 */
import { rm } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { HomingError } from '../errors.ts';
import type { Address } from '../transports/address.ts';
import { isLoopback } from '../transports/ends.ts';
import { type Listening, type TcpListener, listenTcp } from '../transports/tcp.ts';
import type { Member } from './member.ts';
import type { DoorOrder } from './orders.ts';

/** What the doors need of the threads behind them. */
export interface DoorsOwner {
  readonly shards: number;
  readonly isClosing: boolean;
  open(): Member[];
  leastLoaded(): Member | undefined;
  deal(socket: Socket, door: number): void;
  failed(error: HomingError): void;
}

/** What a shard said to an order: where it listens, nowhere, or why it cannot. Undefined as well when it died. */
type Answer = Listening | HomingError | undefined;

interface Door {
  readonly number: number;
  readonly address: Address;
  readonly order: (place: number) => DoorOrder;
  listener: TcpListener | undefined;
  /** The shard that listens at the path. */
  keeper: Member | undefined;
  readonly awaited: Map<Member, { door?: (answer: Answer) => void; path?: (answer: Answer) => void }>;
}

/** The doors of one server. */
export class Doors {
  readonly #owner: DoorsOwner;
  readonly #doors = new Map<number, Door>();
  #lastNumber = 0;

  constructor(owner: DoorsOwner) {
    this.#owner = owner;
  }

  /** Listens at a port. Rejects with `AddressInUse`, `ListenFailed`, `BadAddress` or `Closed`. */
  async listenAtPort(address: Address & { readonly type: 'tcp' }): Promise<Listening> {
    const ports = this.#directPorts(address);
    const number = this.#nextNumber();
    const accepted = (socket: Socket): void => this.#owner.deal(socket, number);
    const listener = await listenTcp(address, accepted, { pauseOnConnect: true });
    const { host } = listener.address;
    const order = (place: number): DoorOrder => {
      const port = ports?.[place];
      const direct = port === undefined ? undefined : { host, port };
      return { number, tls: address.tls, direct, spreads: false };
    };
    // Before this goes on no connection is told: shards learn of the door before they get its first socket.
    const door = this.#add({ number, address, order, listener, keeper: undefined, awaited: new Map() });
    const answers = await Promise.all(this.#owner.open().map((member) => this.#openIn(door, member)));
    const fault = answers.find((answer) => answer instanceof HomingError);
    // Ports that nobody asked for are a gift: without them the relay does the work.
    if (!this.#owner.isClosing && (fault === undefined || address.direct === undefined)) return listener.address;
    this.#doors.delete(number);
    await listener.close();
    throw fault ?? new HomingError('Closed', 'the server is closed');
  }

  /** Has a shard listen at a path. Rejects with `AddressInUse`, `ListenFailed` or `ShardCrashed`. */
  async listenAtPath(address: Address & { readonly type: 'path' }): Promise<Listening> {
    const number = this.#nextNumber();
    const order = (): DoorOrder => ({ number, tls: address.tls, direct: undefined, spreads: true });
    const door = this.#add({ number, address, order, listener: undefined, keeper: undefined, awaited: new Map() });
    await Promise.all(this.#owner.open().map((member) => this.#openIn(door, member)));
    const keeper = this.#owner.leastLoaded();
    const answer = keeper === undefined ? undefined : await this.#keep(door, keeper, address.path);
    if (answer !== undefined && !(answer instanceof HomingError)) return answer;
    this.#doors.delete(number);
    throw answer ?? new HomingError('ShardCrashed', `the shard that was to listen at ${address.path} is gone`);
  }

  /** A shard has come: it learns of all doors before anything else. */
  openAll(member: Member): void {
    for (const door of this.#doors.values()) void this.#openIn(door, member);
  }

  /** What a shard said to an order. */
  answered(member: Member, door: number, what: 'door' | 'path', answer: Answer): void {
    this.#doors.get(door)?.awaited.get(member)?.[what]?.(answer);
  }

  /** A shard is gone. */
  lost(member: Member): void {
    for (const door of this.#doors.values()) {
      const awaited = door.awaited.get(member);
      awaited?.door?.(undefined);
      awaited?.path?.(undefined);
      door.awaited.delete(member);
      if (door.keeper === member) door.keeper = undefined;
    }
  }

  /** Paths whose shard is gone get another keeper, if there is one; the file of the old one is in its way. */
  tend(): void {
    for (const door of this.#doors.values()) {
      const { address } = door;
      if (address.type !== 'path' || door.keeper !== undefined || this.#owner.isClosing) continue;
      const keeper = this.#owner.leastLoaded();
      if (keeper !== undefined) void this.#keepAgain(door, keeper, address.path);
    }
  }

  /** Nothing is accepted any more. */
  async close(): Promise<void> {
    const doors = [...this.#doors.values()];
    this.#doors.clear();
    for (const { keeper } of doors) keeper?.order({ type: 'shut' });
    await Promise.all(doors.flatMap(({ listener }) => (listener === undefined ? [] : [listener.close()])));
  }

  // ---- below

  #nextNumber(): number {
    this.#lastNumber += 1;
    return this.#lastNumber;
  }

  #add(door: Door): Door {
    this.#doors.set(door.number, door);
    return door;
  }

  /** Ports beside the public one, by place; 0 takes a free one, undefined: none. */
  #directPorts({ direct, host }: Address & { readonly type: 'tcp' }): readonly number[] | undefined {
    const { shards } = this.#owner;
    if (direct === false || shards < 2) return undefined;
    if (direct === undefined) return isLoopback(host) ? Array.from({ length: shards }, () => 0) : undefined;
    if (direct.ports.length >= shards) return direct.ports;
    throw new HomingError(
      'BadAddress',
      `expected ${shards} direct ports, one for each shard, got ${direct.ports.length}`,
    );
  }

  #openIn(door: Door, member: Member): Promise<Answer> {
    const answer = this.#await(door, member, 'door');
    member.order({ type: 'door', door: door.order(member.place) });
    return answer;
  }

  #keep(door: Door, keeper: Member, path: string): Promise<Answer> {
    door.keeper = keeper;
    const answer = this.#await(door, keeper, 'path');
    keeper.order({ type: 'path', door: door.number, path });
    return answer;
  }

  async #keepAgain(door: Door, keeper: Member, path: string): Promise<void> {
    door.keeper = keeper;
    await rm(path, { force: true });
    if (door.keeper !== keeper || this.#owner.isClosing) return;
    const answer = await this.#keep(door, keeper, path);
    if (answer instanceof HomingError) this.#owner.failed(answer);
  }

  #await(door: Door, member: Member, what: 'door' | 'path'): Promise<Answer> {
    return new Promise((resolve) => {
      door.awaited.set(member, { ...door.awaited.get(member), [what]: resolve });
    });
  }
}
