/**
 * Random plans of a simulated world. Kinds stand from mild to severe and numbers shrink to 0, so a failing plan becomes
 * a short story; the seed of the draws is part of the plan and does not shrink.
 */
import fc from 'fast-check';
import {
  CHAOS_MS,
  type FaultChoice,
  alteringKinds,
  choicesOf,
  faultKinds,
  faultLists,
  lineKinds,
  weather,
} from '../../src/testing/kit/faults.ts';
import type { Plan, PlanOptions } from '../../src/testing/plan.ts';

const toward = fc.constantFrom('server' as const, 'client' as const);
const atMs = fc.nat({ max: CHAOS_MS });

const task = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ type: 'nothing' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('works' as const),
      forMs: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 200 }) }, { weight: 1, arbitrary: fc.nat({ max: 2_500 }) }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('throws' as const), afterMs: fc.constantFrom(0, 5) }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('asksBack' as const), patienceMs: fc.integer({ min: 1, max: 600 }) }),
  },
);

const size = fc.oneof(
  { weight: 6, arbitrary: fc.nat({ max: 90 }) },
  { weight: 3, arbitrary: fc.constant(2_048) },
  { weight: 1, arbitrary: fc.constant(300_000) },
);

const saying = fc.record({
  how: fc.constantFrom('send' as const, 'deliver' as const),
  bytes: size,
  task,
  patienceMs: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined, freq: 4 }),
});

/** Faults that leave both processes and their memory as they are. */
const lineFaults = choicesOf(lineKinds);

/** Beside these, what is special in a family of plans comes three times as often as each of them, or six times. */
const RARE = 3;

const options: fc.Arbitrary<PlanOptions> = fc.record({
  checksum: fc.boolean(),
  lingerMs: fc.constant(120_000),
  mailboxMessages: fc.constantFrom(1_024, 16, 3, 1),
  mailboxBytes: fc.constantFrom(1_048_576, 8_192, 100),
  outboxMessages: fc.constantFrom(10_000, 40),
  outboxBytes: fc.constantFrom(16_777_216, 5_000),
  authMs: fc.option(fc.nat({ max: 600 }), { nil: undefined }),
  resends: fc.constant(false),
  discards: fc.constant(false),
});

/** What a family of plans is made from. */
interface Family {
  readonly faults: readonly FaultChoice[];
  readonly options: fc.Arbitrary<PlanOptions>;
}

function plansOf({ faults, options }: Family): fc.Arbitrary<Plan> {
  const client = fc.nat({ max: 2 });
  const act = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ type: fc.constant('say' as const), count: fc.integer({ min: 1, max: 12 }), saying }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('flush' as const) }) },
  );
  return fc
    .record({
      seed: fc.noShrink(fc.nat()),
      weather,
      options,
      faults: faultLists(faults, { max: 14, clients: 3, untilMs: CHAOS_MS }),
      acts: fc.array(fc.tuple(atMs, client, toward, act), { minLength: 1, maxLength: 16 }),
    })
    .map(({ faults, acts, ...rest }) => ({
      ...rest,
      clients: 1 + Math.max(0, ...faults.map((each) => each.client), ...acts.map(([, whose]) => whose)),
      chaosMs: CHAOS_MS,
      faults,
      acts: acts.map(([at, whose, by, each]) => ({ atMs: at, client: whose, by, ...each })),
    }));
}

/** Plans in which nobody loses memory: everything accepted must arrive. */
export const linePlans = plansOf({ faults: lineFaults, options });

/** The same, with bytes that are altered on the way. */
export const alteredPlans = plansOf({
  faults: [...lineFaults, ...choicesOf(alteringKinds).map((each) => ({ ...each, weight: RARE }))],
  options: options.map((each) => ({ ...each, checksum: true })),
});

/** Plans in which processes die, and sessions expire. */
export const memoryPlans = plansOf({
  faults: [...lineFaults, { weight: 2 * RARE, arbitrary: faultKinds.crash }],
  options: fc
    .tuple(options, fc.constantFrom(120_000, 800, 0), fc.boolean(), fc.boolean())
    .map(([each, lingerMs, resends, discards]) => ({ ...each, lingerMs, resends, discards })),
});

/** Plans in which somebody says goodbye in the middle of everything. */
export const closingPlans = fc
  .tuple(
    plansOf({
      faults: choicesOf(lineKinds.filter((kind) => kind !== 'disconnect' && kind !== 'reconnect')),
      options,
    }),
    // A second close of a server ends everything at once, and a shorter one of a client brings its end forward.
    fc.uniqueArray(
      fc.tuple(atMs, fc.constantFrom('server' as const, 0, 1, 2), fc.constantFrom(30_000, 3_000, 100, 0)),
      {
        minLength: 1,
        maxLength: 4,
        selector: ([, who]) => who,
      },
    ),
  )
  .map(([plan, closings]) => ({
    ...plan,
    closings: closings
      .filter(([, who]) => who === 'server' || who < plan.clients)
      .map(([at, who, drainMs]) => ({ atMs: at, who, drainMs })),
  }))
  .filter(({ closings }) => closings.length > 0);
