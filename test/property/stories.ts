/**
 * Small stories that are told again for every place where something may strike: each says what its users do, and throws when a
 * promise is broken. Who strikes gets the world before anything happens in it. Nothing is random in a story.
 */
import type { Act, Fault, Plan, PlanOptions } from '../../src/testing/plan.ts';
import { rehearse } from '../../src/testing/rehearsal.ts';
import { type ShardsPlan, fairShards } from '../../src/testing/shards-plan.ts';
import type { Toward } from '../../src/testing/sim-line.ts';
import type { Saying } from '../../src/testing/speaker.ts';
import { rehearseStore } from '../../src/testing/store-rehearsal.ts';
import type { StoreAct } from '../../src/testing/store-plan.ts';
import type { World } from '../../src/testing/world.ts';
import { type GroupAct, playGroups } from './group-stage.ts';
import { tellOf } from './story-stage.ts';

/** Prepares a world for what strikes in it. */
export type Strike = (world: World) => void;

/** A story. */
export interface Story {
  /** Tells it to its end; throws for a broken promise. */
  readonly tell: (strike: Strike) => Promise<unknown>;
  /** Its users have done everything by then; lines and processes are struck until then. */
  readonly forMs: number;
  /** Its server has shards, which may die. */
  readonly hasShards?: boolean;
  /** Nobody dies in it: its end is promised only to those who live. */
  readonly isDeathless?: boolean;
  /** It takes long to tell: after each byte it is struck by one thing only, in turn. */
  readonly isCostly?: boolean;
  /** Its bytes are so many that only some of them are struck: around the edges of its frames, and every so many. */
  readonly strideBytes?: number;
}

const options: PlanOptions = {
  checksum: true,
  lingerMs: 120_000,
  mailboxMessages: 1_024,
  mailboxBytes: 1_048_576,
  outboxMessages: 10_000,
  outboxBytes: 16_777_216,
  resends: false,
  discards: false,
};

const plain: Saying = { how: 'send', bytes: 4, task: { type: 'nothing' } };
const receipt: Saying = { how: 'deliver', bytes: 4, task: { type: 'nothing' } };
const failing: Saying = { how: 'deliver', bytes: 4, task: { type: 'throws', afterMs: 0 } };
const slow: Saying = { how: 'deliver', bytes: 4, task: { type: 'works', forMs: 20 } };
const asking: Saying = { how: 'send', bytes: 4, task: { type: 'asksBack', patienceMs: 3_000 } };

/** Nobody hangs in a story: a thread may be asked for a sign of life as seldom as that. */
const shards: ShardsPlan = { ...fairShards, watchdogMs: 20_000 };

/** Every session begins in a shard where its line did not land, and so does every resume: all bytes are relayed. */
const carried: ShardsPlan = { ...shards, door: 'spreads', landing: 'least' };

function says(by: Toward, atMs: number, saying: Saying, count = 1): Act {
  return { type: 'say', client: 0, by, atMs, count, saying };
}

function planOf(acts: readonly Act[], rest: Partial<Plan> = {}): Plan {
  return { seed: 7, clients: 1, weather: {}, options, chaosMs: 400, faults: [], acts, ...rest };
}

function told(plan: Plan, rest: Omit<Story, 'tell'> = { forMs: 60 }): Story {
  return { tell: (strike) => rehearse(plan, { prepare: strike }), ...rest };
}

const reconnect: Fault = { type: 'reconnect', client: 0, atMs: 10 };
const serverLoss: Fault = { type: 'crash', client: 0, side: 'server', isSilent: false, forMs: 5, atMs: 20 };

function writes(by: Toward, atMs: number, key: number, kind: 'number' | 'object' | 'deleted'): StoreAct {
  return { type: 'write', client: 0, by, atMs, key, kind, count: 1 };
}

const storeActs: readonly StoreAct[] = [
  writes('client', 5, 0, 'number'),
  writes('server', 5, 0, 'object'),
  writes('client', 6, 1, 'object'),
  { type: 'ask', client: 0, by: 'client', atMs: 6, worksMs: 0 },
  writes('client', 14, 0, 'deleted'),
  writes('server', 15, 2, 'number'),
  { type: 'flush', client: 0, by: 'client', atMs: 16 },
];

const joined = { type: 'store' as const, key: 'room', value: 'a' };
const toRoom = {
  type: 'send' as const,
  target: { values: { room: 'a' } },
  except: undefined,
  holdMs: undefined,
  bytes: 9,
  count: 1,
};

const groupActs: readonly GroupAct[] = [
  { ...joined, atMs: 30, client: 0, by: 'session' },
  { ...joined, atMs: 31, client: 1, by: 'client' },
  { ...toRoom, atMs: 40, client: 1, by: 'session' },
  { ...toRoom, atMs: 42, client: 0, by: 'client', count: 2 },
];

/** All stories by what they are about. */
export const stories: Readonly<Record<string, Story>> = {
  'a first handshake, and a word from each end': told(planOf([says('client', 0, plain), says('server', 10, plain)])),
  'a handshake whose hook thinks, and a second client': told(
    planOf([says('client', 0, receipt), says('server', 20, plain)], {
      clients: 2,
      options: { ...options, authMs: 30 },
    }),
  ),
  'delivers in both directions, one of which fails': told(
    planOf([
      says('client', 0, receipt),
      says('client', 0, failing),
      says('server', 6, receipt),
      { type: 'flush', client: 0, by: 'client', atMs: 8 },
    ]),
  ),
  'handlers that ask back, at both ends at once': told(
    planOf([says('client', 5, asking), says('server', 5, asking), says('client', 6, plain)]),
  ),
  'a reconnect with messages on their way and a handler at work': told(
    planOf([says('client', 5, slow, 2), says('server', 6, slow), says('client', 12, plain)], { faults: [reconnect] }),
  ),
  'a server that loses its memory, and a client that sends again': told(
    planOf([says('client', 5, slow, 2), says('server', 6, plain), says('client', 40, receipt)], {
      faults: [serverLoss],
      options: { ...options, resends: true },
    }),
  ),
  'a small mailbox and messages larger than its window': told(
    planOf([says('client', 0, { ...plain, bytes: 120 }, 3), says('server', 6, { ...receipt, bytes: 120 }, 2)], {
      options: { ...options, mailboxMessages: 2, mailboxBytes: 100 },
    }),
  ),
  'a message in fragments among small ones': told(
    planOf([
      says('client', 5, { how: 'deliver', bytes: 150_000, task: { type: 'nothing' } }),
      says('client', 5, plain),
      says('server', 6, plain),
    ]),
    { forMs: 60, strideBytes: 1_999 },
  ),
  'calls both ways, slow and quick': { tell: tellOf.calls, forMs: 60 },
  'functions that are passed, called and passed back': { tell: tellOf.functions, forMs: 60 },
  'a stream either way': { tell: tellOf.streams, forMs: 80 },
  'a store that both ends write at once': {
    tell: (strike) => {
      const { acts: _none, ...plan } = planOf([]);
      const manners = { thinksMs: 3, echoes: true, chases: false, begins: true };
      return rehearseStore({ ...plan, manners, acts: storeActs }, strike);
    },
    forMs: 60,
  },
  'groups across two shards': {
    tell: (strike) => {
      const plan = planOf([], { clients: 2, options: { ...options, shards } });
      return playGroups({ plan, authorizeMs: 3, acts: groupActs }, strike);
    },
    forMs: 90,
    hasShards: true,
    isCostly: true,
  },
  'a relayed connection': told(
    planOf(
      [
        says('client', 60, receipt),
        says('client', 60, slow, 2),
        says('server', 70, receipt, 2),
        says('client', 110, receipt),
      ],
      { seed: 3, clients: 2, options: { ...options, shards: carried } },
    ),
    { forMs: 160, hasShards: true, isCostly: true },
  ),
  'a client that says goodbye in the middle of everything': told(
    planOf([says('client', 5, slow, 2), says('server', 6, receipt), says('client', 11, plain)], {
      closings: [{ who: 0, atMs: 12, drainMs: 3_000 }],
    }),
    { forMs: 60, isDeathless: true },
  ),
  'a server that drains in the middle of everything': told(
    planOf([says('client', 5, slow, 2), says('server', 6, receipt), says('client', 11, plain)], {
      closings: [{ who: 'server', atMs: 12, drainMs: 3_000 }],
    }),
    { forMs: 60, isDeathless: true },
  ),
};
