/** The faults of the catalogue as verbs, each with what it does unless it is told otherwise. */
import type { FaultAction } from '../plan.ts';

type FaultType = FaultAction['type'];

/** What may be said about a fault of this type; the rest is as usual. */
export type FaultChoice<Type extends FaultType> = Partial<Omit<Extract<FaultAction, { readonly type: Type }>, 'type'>>;

/** Every fault of the catalogue by its name; it comes true at once, and what it waits for may come later. */
export type FaultVerbs = { readonly [Type in FaultType]: (choice?: FaultChoice<Type>) => void };

/** The path of one client. */
export interface LinkVerbs extends FaultVerbs {
  /** Dials find nobody listening for this time; 1,000 ms unless said otherwise. */
  refuse(choice?: { readonly forMs?: number }): void;
}

const FOR_MS = 1_000;

/** What each fault does when nothing is said about it. */
const usual: { readonly [Type in FaultType]: Extract<FaultAction, { readonly type: Type }> } = {
  cut: { type: 'cut', toward: 'server', afterBytes: 0, by: 'reset' },
  stall: { type: 'stall', toward: 'server', forMs: FOR_MS },
  swallow: { type: 'swallow', toward: 'both' },
  flap: { type: 'flap', everyMs: 50, times: 10 },
  flip: { type: 'flip', toward: 'server', afterBytes: 1 },
  orphan: { type: 'orphan', toward: 'server', forMs: FOR_MS },
  replay: { type: 'replay', back: 0, stayMs: FOR_MS },
  clog: { type: 'clog', toward: 'server' },
  acks: { type: 'acks', toward: 'server', how: 'withheld' },
  door: { type: 'door', door: 'refuses', forMs: FOR_MS },
  weather: { type: 'weather', toward: 'server', change: { latencyMs: 100 } },
  freeze: { type: 'freeze', side: 'server', forMs: FOR_MS },
  reconnect: { type: 'reconnect' },
  disconnect: { type: 'disconnect', forMs: FOR_MS },
  directDoor: { type: 'directDoor', door: 'refuses', forMs: FOR_MS },
  shardPause: { type: 'shardPause', which: 'home', forMs: FOR_MS },
  shardCrash: { type: 'shardCrash', which: 'home', isSilent: false },
  crash: { type: 'crash', side: 'server', isSilent: false, forMs: FOR_MS },
};

/** The verbs of one path; `befall` carries out what they come to. */
export function verbsOf(befall: (fault: FaultAction) => void): LinkVerbs {
  const verbs = Object.fromEntries(
    Object.entries(usual).map(([type, fault]) => [type, (choice: object = {}) => befall({ ...fault, ...choice })]),
  ) as unknown as FaultVerbs;
  return { ...verbs, refuse: ({ forMs = FOR_MS } = {}) => verbs.door({ door: 'refuses', forMs }) };
}
