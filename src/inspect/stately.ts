/**
 * What watched connections do, in the frames of the Stately inspector (`@statelyai/inspect` 0.7), so that its receivers and
 * its page can read them.
 */
import type { MachineName, WatchEvent } from '../actors/events.ts';
import type { MachineConfig } from './frames.ts';
import { exportMachine, machines } from '../machines/index.ts';

/** The version of the frames' schema, as the inspector of Stately writes it. */
const SCHEMA_VERSION = '0.7.2';

/** The configurations of the connection machines, as JSON. */
export const definitions: Readonly<Record<MachineName, MachineConfig>> = {
  accepting: configOf('accepting'),
  dialling: configOf('dialling'),
};

const definitionTexts: Readonly<Record<MachineName, string>> = {
  accepting: JSON.stringify(definitions.accepting),
  dialling: JSON.stringify(definitions.dialling),
};

function configOf(name: MachineName): MachineConfig {
  const { machine, input } = machines[name];
  return JSON.parse(exportMachine(machine, { format: 'json', input })) as MachineConfig;
}

/** A frame of the Stately inspector. */
export interface StatelyFrame {
  readonly type: '@xstate.actor' | '@xstate.event' | '@xstate.snapshot';
  readonly sessionId: string;
  readonly rootId: string;
  readonly createdAt: string;
  readonly id: string;
  readonly _version: string;
  readonly [more: string]: unknown;
}

/** Turns what connections do into frames; ids are those of the node and its threads, so that no two are alike. */
export class StatelyFrames {
  readonly #node: string;
  readonly #known = new Set<string>();
  #count = 0;

  constructor(node: string) {
    this.#node = node;
  }

  /** The frames that say this. What only the ring of last events knows is left out: it has no context. */
  *of(event: WatchEvent): IterableIterator<StatelyFrame> {
    if (event.type === 'session') return;
    const sessionId = `${this.#node}/${event.connection}`;
    const base = { sessionId, rootId: sessionId, createdAt: String(event.atMs), _version: SCHEMA_VERSION };
    if (event.type === 'end') {
      this.#known.delete(sessionId);
      return;
    }
    const { context, state, machine } = event;
    if (context === undefined) return;
    const isFinal = state === 'closed';
    const snapshot = { status: isFinal ? 'done' : 'active', value: valueOf(state), context };
    if (!this.#known.has(sessionId)) {
      this.#known.add(sessionId);
      const definition = definitionTexts[machine];
      const actor = { type: '@xstate.actor', name: `${machine} ${event.connection}`, definition, snapshot } as const;
      yield { ...base, ...actor, parentId: undefined, event: { type: 'xstate.init' }, id: this.#nextId() };
    }
    if (event.type === 'actor') return;
    const told = { type: event.event, ...event.data };
    yield { ...base, type: '@xstate.event', event: told, sourceId: undefined, id: this.#nextId() };
    yield { ...base, type: '@xstate.snapshot', event: told, snapshot, id: this.#nextId() };
  }

  #nextId(): string {
    this.#count += 1;
    return `${this.#node}/${this.#count}`;
  }
}

/** A state as XState writes its value: a word, or an object where states lie inside each other. */
function valueOf(state: string): unknown {
  const words = state.split('.');
  const innermost: unknown = words.pop();
  return words.reduceRight((value: unknown, word) => ({ [word]: value }), innermost);
}
