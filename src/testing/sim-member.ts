/** One shard thread as the main thread of a simulated server sees it; what `server/member` is to a real one. */
import { Count } from '../actors/tally.ts';
import type { Arrival } from './arrival.ts';
import type { Listing } from './listing.ts';
import type { ShardsPlan } from './shards-plan.ts';
import type { ChannelEnd } from './sim-channel.ts';
import type { SimChannels } from './sim-channels.ts';
import type { SimWord } from './sim-neighbors.ts';
import type { SimOrder, SimShard } from './sim-shard.ts';

/** The public port has none of these numbers. */
const DIRECT_PORT_FIRST = 20_000;

/** The thread in one place. Its successor is another member. */
export class SimMember {
  readonly thread: SimShard;
  readonly port: ChannelEnd<SimOrder>;
  readonly listing: Listing;
  /** What ended the thread. */
  fault: Error | undefined;
  /** Lines may be dealt to it. */
  isOpen = false;
  isDrained = false;
  #handedCount = 0;

  constructor(thread: SimShard, port: ChannelEnd<SimOrder>, listing: Listing) {
    this.thread = thread;
    this.port = port;
    this.listing = listing;
  }

  /** Lines that it has, those on their way to it included. */
  get load(): number {
    const { tally } = this.thread;
    return tally.read(Count.CONNECTIONS) + tally.read(Count.RELAYS) + this.#handedCount - tally.read(Count.TAKEN);
  }

  /** Its first orders. */
  begin(places: readonly number[], { door, count }: ShardsPlan): void {
    const { place, generation } = this.thread;
    this.port.post({ type: 'places', places });
    if (door === 'fixedPorts') this.port.post({ type: 'listen', port: DIRECT_PORT_FIRST + place });
    if (door === 'freshPorts') this.port.post({ type: 'listen', port: DIRECT_PORT_FIRST + generation * count + place });
  }

  /** Hands a line over. */
  deal(arrival: Arrival): void {
    this.#handedCount += 1;
    this.port.post({ type: 'line', arrival }, () => arrival.drop());
  }

  /** Lets the two reach each other. */
  meet(other: SimMember, channels: SimChannels): void {
    const [mine, yours] = channels.open<SimWord>();
    this.#introduce(other, mine);
    other.#introduce(this, yours);
  }

  #introduce({ thread: { place, tally } }: SimMember, port: ChannelEnd<SimWord>): void {
    this.port.post({ type: 'neighbor', place, tally, port }, () => port.die());
  }
}
