/** The roster of a shard, and its way to an inspector: a port in a thread, a plain call on the main one. */
import type { MessagePort } from 'node:worker_threads';
import type { InspectOrder, InspectSource } from '../actors/events.ts';
import { Roster } from '../actors/roster.ts';
import type { Shard } from '../actors/shard.ts';
import type { Tally } from '../actors/tally.ts';
import type { Inspection } from './inspection.ts';

/** The roster of a shard that may be asked through a port; undefined without one. */
export function rosterAt(
  { place, inspectPort }: { readonly place: number; readonly inspectPort: MessagePort | undefined },
  shard: () => Shard,
): Roster | undefined {
  if (inspectPort === undefined) return undefined;
  const roster = rosterOf(String(place), shard);
  roster.open((report) => inspectPort.postMessage(report));
  inspectPort.on('message', (order: InspectOrder) => roster.obey(order));
  inspectPort.unref();
  return roster;
}

/** The roster of the shard on the calling thread. What is returned beside it ends its being known. */
export function rosterHere(
  inspection: Inspection | undefined,
  tally: Tally,
  shard: () => Shard,
): { readonly roster: Roster | undefined; readonly leave: () => void } {
  if (inspection === undefined) return { roster: undefined, leave: () => {} };
  const roster = rosterOf('0', shard);
  const source: InspectSource = {
    place: '0',
    generation: 1,
    memory: tally.memory,
    order: (order) => roster.obey(order),
  };
  const { told, leave } = inspection.join(source);
  roster.open(told);
  return { roster, leave };
}

function rosterOf(place: string, shard: () => Shard): Roster {
  return new Roster({
    place,
    nowMs: () => Date.now(),
    sessions: () => shard().held,
    find: (id) => shard().find(id).living,
  });
}
