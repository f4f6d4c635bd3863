/**
 * Names of what a machine's config refers to: actions, guards, actors. What was given a name in `setup()` keeps it; what
 * stands in the config itself gets one: how it was made (`raise(PING)`), the name of its function, or else its place
 * (`inline:door.open#entry[0]`). The same machine always gets the same names.
 */
import type { Creation } from './creators.ts';
import type { Plain } from './values.ts';

/** How a config refers to an action or a guard: by its name, or with params. */
export type Reference = string | { readonly type: string; readonly params?: Plain };

/** The name that a reference has. */
export function referred(reference: Reference): string {
  return typeof reference === 'string' ? reference : reference.type;
}

/** What stands behind a name. */
export interface Named {
  /** What was given; undefined when the machine names it and nothing implements it. */
  readonly implementation: unknown;
  /** How it was made, where that can be written. */
  readonly creation: Creation | undefined;
  /** Where it stands, when the config itself holds it. */
  readonly place: string | undefined;
}

/** The names of one kind. */
export class Names {
  readonly #named = new Map<string, Named>();
  readonly #names = new Map<unknown, string>();
  readonly #creationOf: (implementation: unknown) => Creation | undefined;

  constructor(creationOf: (implementation: unknown) => Creation | undefined) {
    this.#creationOf = creationOf;
  }

  /** Takes over what `setup()` was given. */
  adopt(implementations: Readonly<Record<string, unknown>>): void {
    for (const [name, implementation] of Object.entries(implementations)) {
      this.#names.set(implementation, name);
      this.#named.set(name, { implementation, creation: undefined, place: undefined });
    }
    // After all names are known, because a guard may be made of others.
    for (const [name, implementation] of Object.entries(implementations)) {
      this.#named.set(name, { implementation, creation: this.#creationOf(implementation), place: undefined });
    }
  }

  /** Remembers a name that the config uses. */
  use(name: string): string {
    if (!this.#named.has(name))
      this.#named.set(name, { implementation: undefined, creation: undefined, place: undefined });
    return name;
  }

  /** The name of what the config holds at a place. */
  nameOf(implementation: unknown, place: string): string {
    const known = this.#names.get(implementation);
    if (known !== undefined) return known;
    const creation = this.#creationOf(implementation);
    const wanted = creation?.short ?? ownName(implementation) ?? `inline:${place}`;
    for (let count = 1; ; count++) {
      const name = count === 1 ? wanted : `${wanted} ${count}`;
      const taken = this.#named.get(name);
      const isSame = creation !== undefined && taken?.creation?.code === creation.code;
      if (taken !== undefined && !isSame) continue;
      if (taken === undefined) this.#named.set(name, { implementation, creation, place });
      this.#names.set(implementation, name);
      return name;
    }
  }

  /** All of them, as they came: those of `setup()` first. */
  entries(): readonly (readonly [name: string, named: Named])[] {
    return [...this.#named];
  }
}

/** Names that a function has from the place where it was written, and from XState's creators. */
const placeNames = new Set([
  'actions',
  'assign',
  'cancel',
  'check',
  'emit',
  'enqueueActions',
  'entry',
  'exit',
  'guard',
  'log',
  'raise',
  'sendTo',
  'spawnChild',
  'src',
  'stop',
  'stopChild',
]);

function ownName(implementation: unknown): string | undefined {
  if (typeof implementation !== 'function') return undefined;
  return implementation.name === '' || placeNames.has(implementation.name) ? undefined : implementation.name;
}
