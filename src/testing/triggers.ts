/**
 * Faults of a path that wait for a byte, or for a frame: frames are counted as they are written, so that the place is known
 * before a byte of it is read, and what waits for it comes true when the reader gets there.
 */
import type { Flow } from './flow.ts';
import { FrameFollower, type FrameName } from './frame-follower.ts';
import type { SimLine, Toward } from './sim-line.ts';

/** A place in what travels: so many bytes into one of the frames of a direction. */
export interface PlanTrigger {
  readonly frame: FrameName;
  /** Which of them, from 1: counted as they are written, over all lines of the client's path, from the start of the run. */
  readonly nth: number;
  readonly toward: Toward;
  /** Reached once so many bytes of it are read, 0 before the first; what is beyond its end counts on in what follows. */
  readonly afterBytes: number;
}

interface Waiting {
  readonly on: PlanTrigger;
  readonly befall: (line: SimLine) => void;
  count: number;
}

interface Place {
  readonly flow: Flow;
  readonly atBytes: number;
  readonly befall: (line: SimLine) => void;
}

/** A fault that waits for a byte of its direction, on whatever line that is read. */
interface Arm {
  readonly atBytes: number;
  readonly befall: (line: SimLine) => void;
}

/** The triggers of one path. */
export class Triggers {
  readonly #passed = { server: 0, client: 0 };
  readonly #arms: { readonly server: Arm[]; readonly client: Arm[] } = { server: [], client: [] };
  #waiting: readonly Waiting[] = [];
  #places: readonly Place[] = [];

  /** Whether any waits for its frame to be written. */
  get areWaiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Adds one; frames are counted from now on. */
  add(on: PlanTrigger, befall: (line: SimLine) => void): void {
    this.#waiting = [...this.#waiting, { on, befall, count: 0 }];
  }

  /** None waits any more. */
  clear(): void {
    this.#waiting = [];
    this.#places = [];
    this.#arms.server.length = 0;
    this.#arms.client.length = 0;
  }

  /** Bytes that were read in this direction, over all lines. */
  passedBytes(toward: Toward): number {
    return this.#passed[toward];
  }

  /** Something befalls the line on which the byte is read that comes after so many more. */
  after(toward: Toward, bytes: number, befall: (line: SimLine) => void): void {
    const arms = this.#arms[toward];
    const atBytes = this.#passed[toward] + bytes;
    arms.splice(arms.findLastIndex((arm) => arm.atBytes <= atBytes) + 1, 0, { atBytes, befall });
  }

  /** Gives who has to be fed what is written to this line in this direction. */
  follow(line: SimLine, toward: Toward): FrameFollower {
    const flow = line.flow(toward);
    const before = flow.writtenBytes;
    return new FrameFollower((frame, startBytes) => this.#began(flow, toward, frame, before + startBytes));
  }

  /** How many bytes of this line may be read in this direction before something comes true. */
  allowance(line: SimLine, toward: Toward): number {
    const arm = this.#arms[toward][0];
    let least = arm === undefined ? Infinity : arm.atBytes - this.#passed[toward];
    if (this.#places.length === 0) return least;
    const flow = line.flow(toward);
    for (const place of this.#places) if (place.flow === flow) least = Math.min(least, place.atBytes - flow.readBytes);
    return least;
  }

  /** So many bytes of this line were read: what waited for them comes true. */
  pass(line: SimLine, toward: Toward, count: number): void {
    this.#passed[toward] += count;
    if (this.#places.length > 0) this.#reach(line, line.flow(toward));
    const arms = this.#arms[toward];
    for (let arm = arms[0]; arm !== undefined && arm.atBytes <= this.#passed[toward]; arm = arms[0]) {
      arms.shift();
      arm.befall(line);
    }
  }

  #reach(line: SimLine, flow: Flow): void {
    const isReached = (place: Place): boolean => place.flow === flow && place.atBytes <= flow.readBytes;
    const reached = this.#places.filter(isReached);
    this.#places = this.#places.filter((place) => !isReached(place));
    for (const { befall } of reached) befall(line);
  }

  #began(flow: Flow, toward: Toward, frame: FrameName | undefined, startBytes: number): void {
    for (const waiting of this.#waiting) {
      const { on, befall } = waiting;
      if (on.toward !== toward || on.frame !== frame) continue;
      waiting.count += 1;
      if (waiting.count !== on.nth) continue;
      this.#waiting = this.#waiting.filter((each) => each !== waiting);
      this.#places = [...this.#places, { flow, atBytes: startBytes + on.afterBytes, befall }];
    }
  }
}
