/**
 * What is done with bytes as an end of a path writes them, before they travel: the linter sees them as they are, a middlebox
 * may change the ACKs in them, and triggers count the frames of what is left.
 */
import { type AckTrick, trickOf } from './ack-tricks.ts';
import type { Flow } from './flow.ts';
import type { WireLinter } from './linter.ts';
import { type SimLine, type Toward, opposite } from './sim-line.ts';
import type { Triggers } from './triggers.ts';

const ways = ['server', 'client'] as const;

/** The writes of one path. */
export class PathWrites {
  readonly #linter: WireLinter | undefined;
  readonly #triggers: Triggers;
  readonly #tricks = new Map<Flow, ReturnType<typeof trickOf>>();

  constructor(linter: WireLinter | undefined, triggers: Triggers) {
    this.#linter = linter;
    this.#triggers = triggers;
  }

  /** A line is new: nobody looks at its writes unless somebody has to. Without a name it is no line of two honest ends. */
  begin(line: SimLine, name: string | undefined): void {
    if (this.#linter !== undefined || this.#triggers.areWaiting) this.watch(line, name);
  }

  /** From now on what is written to this line is looked at. */
  watch(line: SimLine, name?: string): void {
    const looked = name === undefined ? undefined : this.#linter?.connection(name);
    for (const toward of ways) {
      const flow = line.flow(toward);
      if (flow.onWrite !== undefined) continue;
      const follower = this.#triggers.follow(line, toward);
      flow.onWrite = (parts) => {
        if (looked !== undefined) for (const part of parts) looked.wrote(opposite(toward), part);
        const carried = this.#tricks.get(flow)?.(parts) ?? parts;
        for (const part of carried) follower.follow(part);
        return carried;
      };
    }
  }

  /** A middlebox has its way with all later ACKs in this direction of a line. */
  trick(line: SimLine, toward: Toward, how: AckTrick): void {
    this.watch(line);
    this.#tricks.set(line.flow(toward), trickOf(how));
  }

  /** The directions of a line in which ACKs are not true. */
  tricked(line: SimLine): readonly Toward[] {
    return ways.filter((toward) => this.#tricks.has(line.flow(toward)));
  }

  /** The line is over. */
  forget(line: SimLine): void {
    for (const toward of ways) this.#tricks.delete(line.flow(toward));
  }
}
