/**
 * Carries out the faults of a simulated plan on real connections: what befalls the path of one client there befalls the lane
 * of one client here. Bytes and frames are counted alike; times are those of the wall clock.
 */
import type { Weather } from '../flow.ts';
import type { FaultAction } from '../plan.ts';
import type { Toward } from '../sim-line.ts';
import type { Door } from '../sim-path.ts';
import type { ProxyLane } from './lane.ts';
import type { PlanTrigger } from '../triggers.ts';
import type { Direction, Pace, PlacedFault } from './plan.ts';

/**
 * Lets a fault come true on the lane of its client now. False: it is none of a line, and nothing was done. That holds for
 * `reconnect` and `disconnect`, which the client does itself, for `clog` and `acks`, which the proxy does not have, for faults of processes and shards, and for `directDoor`, as
 * nobody comes back by a direct port from behind a proxy.
 */
export function realFaults(lane: ProxyLane, fault: FaultAction & { readonly on?: PlanTrigger | undefined }): boolean {
  if (fault.on !== undefined) return strikeOn(lane, fault, fault.on);
  switch (fault.type) {
    case 'weather':
      lane.slow(paceOf(fault.change), directionOf(fault.toward));
      return true;
    case 'stall':
      lane.stall(fault.forMs, directionOf(fault.toward));
      return true;
    case 'cut':
      if (fault.afterBytes === 0) lane.cutNewest(fault.by);
      else {
        const { by: how, afterBytes } = fault;
        lane.strike({ type: 'cut', how, direction: directionOf(fault.toward), afterBytes });
      }
      return true;
    case 'flip':
      lane.strike({ type: 'flip', direction: directionOf(fault.toward), afterBytes: fault.afterBytes });
      return true;
    case 'flap':
      lane.flap(fault.everyMs, fault.times);
      return true;
    case 'orphan':
      lane.orphan(directionOf(fault.toward), fault.forMs);
      return true;
    case 'replay':
      lane.replay(fault.back, fault.stayMs);
      return true;
    case 'swallow':
      lane.blackHole(fault.toward === 'both' ? 'both' : directionOf(fault.toward));
      return true;
    case 'door':
      knock(lane, fault.door, fault.forMs);
      return true;
    case 'clog':
    case 'acks':
    case 'reconnect':
    case 'disconnect':
    case 'directDoor':
    case 'freeze':
    case 'shardPause':
    case 'shardCrash':
    case 'crash':
      return false;
  }
}

type Place = Extract<PlacedFault, { readonly on: unknown }>['on'];

/** A fault that waits for a frame: of those, only what befalls a connection at a place of it can be had. */
function strikeOn(lane: ProxyLane, fault: FaultAction, { frame, nth, toward, afterBytes }: PlanTrigger): boolean {
  const at = (moreBytes: number): Place => ({
    frame,
    nth,
    direction: directionOf(toward),
    afterBytes: afterBytes + moreBytes,
  });
  switch (fault.type) {
    case 'cut':
      lane.strike({ type: 'cut', how: fault.by, on: at(fault.toward === toward ? fault.afterBytes : 0) });
      return true;
    case 'flip':
      lane.strike({ type: 'flip', on: at(fault.toward === toward ? fault.afterBytes : 0) });
      return true;
    case 'stall':
      lane.strike({ type: 'stall', forMs: fault.forMs, on: at(0) });
      return true;
    case 'swallow':
      lane.strike({
        type: 'blackHole',
        hole: fault.toward === 'both' ? 'both' : directionOf(fault.toward),
        on: at(0),
      });
      return true;
    case 'orphan':
      lane.strike({ type: 'orphan', late: directionOf(fault.toward), forMs: fault.forMs, on: at(0) });
      return true;
    case 'replay':
      lane.strike({ type: 'replay', back: fault.back, stayMs: fault.stayMs, on: at(0) });
      return true;
    default:
      return false;
  }
}

/** A dial that never gets an answer cannot be had on loopback: it gets one, and then nothing, as with `staysSilent`. */
function knock(lane: ProxyLane, door: Door, forMs: number): void {
  if (door === 'refuses') return lane.refuse(forMs);
  void lane.accept();
  if (door === 'closesAtOnce') lane.turnAway('finish', forMs);
  else if (door === 'staysSilent' || door === 'neverAnswers') lane.turnAway('silence', forMs);
}

function paceOf({ latencyMs, jitterMs, chunkBytes, bufferBytes, bytesPerMs }: Partial<Weather>): Pace {
  return {
    latencyMs,
    jitterMs,
    sliceBytes: chunkBytes,
    bufferBytes,
    bytesPerMs: bytesPerMs === Infinity ? 0 : bytesPerMs,
  };
}

function directionOf(toward: Toward): Direction {
  return toward === 'server' ? 'up' : 'down';
}
