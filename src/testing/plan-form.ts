/** Plans as they are saved, read again: whatever is not a plan of this version is refused with what was expected. */
import { FrameType } from '../wire/frame.ts';
import type { Weather } from './flow.ts';
import {
  type Form,
  listForm,
  maybeForm,
  numberForm,
  recordForm,
  refuse,
  unionForm,
  wholeForm,
  wordForm,
  yesNoForm,
} from './form.ts';
import type { FrameName } from './frame-follower.ts';
import type { Act, Fault, FaultAction, Plan } from './plan.ts';
import type { StorePlan } from './store-plan.ts';

/** The version of all saved plans. */
export const PLAN_VERSION = 1;

/** The version that something saved must have. */
export const versionForm: Form<typeof PLAN_VERSION> = wordForm(PLAN_VERSION);

const toward = wordForm('server', 'client');
const ms = numberForm();
const count = wholeForm();

/** How bytes travel, in what differs from a good line. */
export const weatherForm: Form<Partial<Weather>> = recordForm({
  latencyMs: maybeForm(ms),
  jitterMs: maybeForm(ms),
  chunkBytes: maybeForm(count),
  bufferBytes: maybeForm(count),
  bytesPerMs: maybeForm(ms),
}) as Form<Partial<Weather>>;

const door = wordForm('open', 'refuses', 'closesAtOnce', 'staysSilent', 'neverAnswers');
const which = wordForm('home', 'landing');

const actions = {
  weather: { toward, change: weatherForm },
  stall: { toward, forMs: ms },
  cut: { toward, afterBytes: count, by: wordForm('finish', 'reset') },
  flap: { everyMs: ms, times: count },
  flip: { toward, afterBytes: count },
  orphan: { toward, forMs: ms },
  replay: { back: count, stayMs: ms },
  clog: { toward },
  acks: { toward, how: wordForm('byOne', 'withheld', 'back', 'beyond') },
  swallow: { toward: wordForm('server', 'client', 'both') },
  door: { door, forMs: ms },
  freeze: { side: toward, forMs: ms },
  reconnect: {},
  disconnect: { forMs: ms },
  directDoor: { door, forMs: ms },
  shardPause: { which, forMs: ms },
  shardCrash: { which, isSilent: yesNoForm },
  crash: { side: toward, isSilent: yesNoForm, forMs: ms },
} as const satisfies Record<FaultAction['type'], unknown>;

/** Every kind of fault there is. */
export const faultTypes = Object.keys(actions) as readonly FaultAction['type'][];

const anyFault = unionForm(
  {
    client: count,
    atMs: maybeForm(ms),
    on: maybeForm(
      recordForm({
        frame: wordForm(...(Object.keys(FrameType) as FrameName[])),
        nth: wholeForm(1),
        toward,
        afterBytes: count,
      }),
    ),
  },
  actions,
);

/** A fault with either its time or its frame. */
export const faultForm: Form<Fault> = (value, at) => {
  const fault = anyFault(value, at);
  if ((fault.atMs === undefined) === (fault.on === undefined)) refuse(at, 'a fault with either atMs or on', value);
  return fault as Fault;
};

const task = unionForm(
  {},
  { nothing: {}, works: { forMs: ms }, throws: { afterMs: ms }, asksBack: { patienceMs: ms } },
);

const saying = recordForm({
  how: wordForm('send', 'deliver'),
  bytes: count,
  task,
  patienceMs: maybeForm(ms),
});

const act = unionForm({ atMs: ms, client: count, by: toward }, { say: { count, saying }, flush: {} });

const shards = recordForm({
  count,
  door: wordForm('public', 'spreads', 'fixedPorts', 'freshPorts'),
  landing: wordForm('least', 'any'),
  channelMs: ms,
  startMs: ms,
  goneMs: ms,
  watchdogMs: ms,
  restarts: recordForm({ max: count, withinMs: ms }),
});

const who: Form<number | 'server'> = (value, at) => (value === 'server' ? value : count(value, at));

const world = {
  seed: count,
  clients: count,
  weather: weatherForm,
  options: recordForm({
    checksum: yesNoForm,
    lingerMs: ms,
    mailboxMessages: count,
    mailboxBytes: count,
    outboxMessages: count,
    outboxBytes: count,
    authMs: maybeForm(ms),
    resends: yesNoForm,
    discards: yesNoForm,
    shards: maybeForm(shards),
  }),
  chaosMs: ms,
  faults: listForm(faultForm),
} as const;

/** A plan of a rehearsal. */
export const planForm: Form<Plan> = recordForm({
  ...world,
  acts: listForm(act as Form<Act>),
  closings: maybeForm(listForm(recordForm({ atMs: ms, who, drainMs: ms }))),
});

/** A plan for the shared store. */
export const storePlanForm: Form<StorePlan> = recordForm({
  ...world,
  manners: recordForm({ thinksMs: maybeForm(ms), echoes: yesNoForm, chases: yesNoForm, begins: yesNoForm }),
  acts: listForm(
    unionForm(
      { atMs: ms, client: count, by: toward },
      {
        write: { key: count, kind: wordForm('number', 'object', 'large', 'deleted'), count },
        ask: { worksMs: ms },
        flush: {},
      },
    ),
  ),
}) as Form<StorePlan>;
