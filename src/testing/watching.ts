/**
 * One watcher of presence, held against what it is told: its first listing and the events after it have to give the map
 * that it is shown at any moment, and nobody may go who is still there.
 */
import type { Presence } from '../client/surface.ts';
import { PromiseBroken } from './course.ts';

/** Values that are shown of a session, as any watcher has them. */
export type Values = Readonly<Record<string, unknown>>;

/** What a watcher is held against. */
export interface WatchingOptions {
  readonly name: string;
  /** Whether this session lives and is visible. */
  readonly isHere: (id: string) => boolean;
  /** Runs what may find a broken promise. */
  readonly guard: (work: () => void) => void;
}

/** One watcher. */
export class Watching {
  readonly name: string;
  /** What it was told, by event. */
  readonly told = { came: 0, changed: 0, went: 0 };
  hasLeft = false;
  readonly #options: WatchingOptions;
  readonly #shown = new Map<string, Values>();
  readonly #gone = new Set<string>();
  #view: Presence<Values> | undefined;

  constructor(options: WatchingOptions) {
    this.#options = options;
    this.name = options.name;
  }

  /** Its first listing has come, in this moment. */
  begin(view: Presence<Values>): void {
    this.#view = view;
    if (this.hasLeft) return view.close();
    for (const [id, values] of view.members) this.#shown.set(id, values);
    view.on('came', (id, values) => this.#tell('came', id, values));
    view.on('changed', (id, values) => this.#tell('changed', id, values));
    view.on('went', (id, values) => this.#tell('went', id, values));
  }

  /** Leaves, at once or with the first listing; nothing may be told from now on. */
  leave(): void {
    this.hasLeft = true;
    this.#view?.close();
  }

  /** Expects exactly these sessions with these values. */
  expect(truth: ReadonlyMap<string, Values>): void {
    if (this.#view === undefined) throw new PromiseBroken(`${this.name} was never given a first listing`);
    this.#expectSame('at rest', truth, this.#shown);
    this.#expectSame('in its map', truth, this.#view.members);
  }

  // ---- below

  #tell(event: 'came' | 'changed' | 'went', id: string, values: Values): void {
    this.told[event] += 1;
    this.#options.guard(() => this.#check(event, id, values));
  }

  #check(event: 'came' | 'changed' | 'went', id: string, values: Values): void {
    const { name } = this;
    const before = this.#shown.get(id);
    if (this.hasLeft) throw new PromiseBroken(`${name} is told after it has left: ${event} ${id}`);
    if ((event === 'came') !== (before === undefined)) {
      throw new PromiseBroken(`${name}: ${event} ${id}, which is ${before === undefined ? 'unknown' : 'known'}`);
    }
    if (event === 'came' && this.#gone.has(id)) throw new PromiseBroken(`${name}: ${id} came back from its end`);
    if (event === 'changed' && textOf(before) === textOf(values)) {
      throw new PromiseBroken(`${name}: ${id} changed to what it was: ${textOf(values)}`);
    }
    if (event !== 'went') this.#shown.set(id, values);
    else {
      if (this.#options.isHere(id)) throw new PromiseBroken(`${name}: ${id} went, and it lives`);
      if (textOf(before) !== textOf(values)) throw new PromiseBroken(`${name}: ${id} went with ${textOf(values)}`);
      this.#shown.delete(id);
      this.#gone.add(id);
    }
    this.#expectSame(`after ${event} ${id}`, this.#view?.members ?? new Map(), this.#shown);
  }

  #expectSame(when: string, wanted: ReadonlyMap<string, Values>, got: ReadonlyMap<string, Values>): void {
    const [expected, found] = [listOf(wanted), listOf(got)];
    if (expected !== found) throw new PromiseBroken(`${this.name} ${when}: expected ${expected}, got ${found}`);
  }
}

function listOf(members: ReadonlyMap<string, Values>): string {
  return [...members]
    .map(([id, values]) => `${id} ${textOf(values)}`)
    .toSorted()
    .join('; ');
}

function textOf(values: Values | undefined): string {
  return JSON.stringify(Object.entries(values ?? {}).toSorted(([one], [other]) => (one < other ? -1 : 1)));
}
