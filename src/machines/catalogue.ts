/** The machines of Homing by name, for whoever exports or shows them. The runtime takes each from its own file. */
import type { AnyStateMachine } from 'xstate';
import { type AcceptingInput, acceptingMachine } from './accepting.ts';
import { type DiallingInput, diallingMachine } from './dialling.ts';
import { sessionMachine } from './session-life.ts';
import { shardMachine } from './shard-life.ts';

/** A machine of Homing. */
export interface CatalogueEntry {
  readonly machine: AnyStateMachine;
  /** What it is the life of, in a sentence. */
  readonly about: string;
  /** What it is started with by default; undefined when it takes nothing. */
  readonly input: DiallingInput | AcceptingInput | undefined;
}

/** The machines of Homing; a name is the machine's id. */
export const machines = {
  dialling: {
    machine: diallingMachine,
    about: "A client's connection: when to dial, when to give a socket up, when to try again.",
    input: { autoReconnect: true, handshakeMs: 10_000, stableMs: 10_000 },
  },
  accepting: {
    machine: acceptingMachine,
    about: "A server's connection, from an accepted socket to its end.",
    input: { handshakeMs: 10_000 },
  },
  session: {
    machine: sessionMachine,
    about: 'A session at the server, from its first WELCOME to its burial, across all its connections.',
    input: undefined,
  },
  shard: {
    machine: shardMachine,
    about: 'A place for a shard, as its supervisor sees it, however many threads fill it one after another.',
    input: undefined,
  },
} as const satisfies Record<string, CatalogueEntry>;

/** The name of a machine of Homing. */
export type MachineName = keyof typeof machines;
