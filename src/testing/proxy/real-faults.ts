/**
 * Carries out the faults of a simulated plan on real connections: what befalls the path of one client there befalls the lane
 * of one client here. Bytes and frames are counted alike; times are those of the wall clock.
 */
import type { Weather } from '../flow.ts';
import type { FaultAction } from '../plan.ts';
import type { Toward } from '../sim-line.ts';
import type { Door } from '../sim-path.ts';
import type { ProxyLane } from './lane.ts';
import type { Direction, Pace } from './plan.ts';

/**
 * Lets a fault come true on the lane of its client now. False: it is none of a line, and nothing was done. That holds for
 * `reconnect` and `disconnect`, which the client does itself, for `clog` and `acks`, which the proxy does not have, for faults of processes and shards, and for `directDoor`, as
 * nobody comes back by a direct port from behind a proxy.
 */
export function realFaults(lane: ProxyLane, fault: FaultAction): boolean {
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
