/** The channels of one simulated process: how late they are, and how many pipes its shards use. */
import type { PipeMessage } from '../actors/ports.ts';
import { type ChannelEnd, type ChannelOptions, openChannel } from './sim-channel.ts';

/** The two ends of a channel. */
export type Ends<Message> = readonly [ChannelEnd<Message>, ChannelEnd<Message>];

/** Makes channels, and counts those that carry lines from one shard to another. */
export class SimChannels {
  /** Most pipes there were at a time. */
  pipeCountMax = 0;
  readonly #options: ChannelOptions;
  readonly #pipes = new Set<Ends<PipeMessage>>();

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  /** Pipes that an end still uses. */
  get pipeCount(): number {
    for (const pipe of this.#pipes) if (pipe.every(({ isOver }) => isOver)) this.#pipes.delete(pipe);
    return this.#pipes.size;
  }

  /** Makes a channel. */
  open<Message>(): Ends<Message> {
    return openChannel<Message>(this.#options);
  }

  /** Makes a channel that carries a line. */
  openPipe(): Ends<PipeMessage> {
    const pipe = this.open<PipeMessage>();
    this.#pipes.add(pipe);
    this.pipeCountMax = Math.max(this.pipeCountMax, this.pipeCount);
    return pipe;
  }
}
