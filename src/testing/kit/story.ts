/** A plan as text that a person reads: one line for each fault and step, in the order in which they come. */
import { inspect } from 'node:util';
import type { Fault, FaultAction } from '../plan.ts';
import type { KitPlan } from './plan.ts';

const VALUE_CHARACTERS = 160;

/** A plan, line by line. */
export function planWords({ weather, faults, steps }: KitPlan, clients: number): string {
  const lines = [
    ...faults.map((fault) => ({ atMs: fault.atMs, what: `c${fault.client % clients}  fault  ${faultWords(fault)}` })),
    ...steps.map(({ atMs, client, name, value }) => ({
      atMs,
      what: `c${client % clients}  step   ${name} ${valueWords(value)}`,
    })),
  ].toSorted((one, other) => (one.atMs ?? 0) - (other.atMs ?? 0));
  const air = Object.entries(weather).filter(([, value]) => value !== 0);
  return [
    ...(air.length === 0 ? [] : [`           weather: ${air.map(([name, value]) => `${name} ${value}`).join(', ')}`]),
    ...lines.map(({ atMs, what }) => `${(atMs === undefined ? 'on a frame' : `${atMs} ms`).padStart(10)}  ${what}`),
  ].join('\n');
}

/** A fault in words; one on a frame with the place. */
export function faultWords(fault: Fault): string {
  if (fault.on === undefined) return actionWords(fault);
  const { frame, nth, toward, afterBytes } = fault.on;
  const where = afterBytes === 0 ? 'before' : `after byte ${afterBytes} of`;
  return `${where} the ${nthWord(nth)} ${frame} toward the ${toward}: ${actionWords(fault)}`;
}

function nthWord(nth: number): string {
  const ending = nth % 100 > 10 && nth % 100 < 14 ? undefined : ['th', 'st', 'nd', 'rd'][nth % 10];
  return `${nth}${ending ?? 'th'}`;
}

function actionWords(fault: FaultAction): string {
  switch (fault.type) {
    case 'weather':
      return `bytes toward the ${fault.toward} travel with ${valueWords(fault.change)}`;
    case 'stall':
      return `nothing arrives at the ${fault.toward} for ${fault.forMs} ms`;
    case 'cut':
      return `the line is cut after ${fault.afterBytes} more bytes toward the ${fault.toward} (${fault.by})`;
    case 'flap':
      return `the line is cut ${fault.times} times, every ${fault.everyMs} ms`;
    case 'flip':
      return `a byte toward the ${fault.toward} is altered, after ${fault.afterBytes} more`;
    case 'orphan':
      return `one end loses the line, and the ${fault.toward} learns it ${fault.forMs} ms later`;
    case 'replay':
      return `an old HELLO arrives again, the last one but ${fault.back}`;
    case 'clog':
      return `the ${fault.toward} reads nothing more on this line, and every write finds it full`;
    case 'acks':
      return `a middlebox ${ackWords[fault.how]} toward the ${fault.toward}`;
    case 'swallow':
      return `all that goes toward ${fault.toward === 'both' ? 'both ends' : `the ${fault.toward}`} vanishes, on this line`;
    case 'door':
      return `dials get no connection (${fault.door}) for ${fault.forMs} ms`;
    case 'freeze':
      return `the process of the ${fault.side} stands still for ${fault.forMs} ms`;
    case 'reconnect':
      return 'the client gives the connection up and dials';
    case 'disconnect':
      return `the client stays away for ${fault.forMs} ms`;
    case 'directDoor':
      return `direct ports give no connection (${fault.door}) for ${fault.forMs} ms`;
    case 'shardPause':
      return `its ${fault.which} shard stands still for ${fault.forMs} ms`;
    case 'shardCrash':
      return `its ${fault.which} shard dies${fault.isSilent ? ' without a word to the peers' : ''}`;
    case 'crash': {
      const how = fault.isSilent ? ' without a word to the peer' : '';
      return `the process of the ${fault.side} dies${how} and starts again after ${fault.forMs} ms`;
    }
  }
}

const ackWords = {
  byOne: 'lets ACKs rise by one message at a time',
  withheld: 'withholds all ACKs',
  back: 'makes an ACK of nothing at all of each',
  beyond: 'makes an ACK of more than was ever sent of each',
};

/** A value in short. */
export function valueWords(value: unknown): string {
  if (value === undefined) return '';
  const words = jsonOf(value) ?? inspect(value, { breakLength: Infinity });
  return words.length > VALUE_CHARACTERS ? `${words.slice(0, VALUE_CHARACTERS)}…` : words;
}

function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
