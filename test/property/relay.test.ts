/** The laws of the way home: what a relay between two shards carries and holds, and what a race to the direct port does. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RELAY_CREDIT_BYTES } from '../../src/actors/relay-sender.ts';
import { DIRECT_HEAD_START_MS } from '../../src/actors/route.ts';
import { RelayWorld } from '../unit/actors/relay-world.ts';
import { type DialledLine, RouteWorld } from '../unit/actors/route-world.ts';

const READ_BYTES_MAX = 65_536;
const WRITE_BYTES_MAX = 300_000;

const sizes = fc.oneof(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: READ_BYTES_MAX }));
const writes = fc.oneof(sizes, fc.integer({ min: 100_000, max: WRITE_BYTES_MAX }));

const deeds = ['end', 'destroy', 'pause', 'read on', 'reset', 'home dies', 'landing dies'] as const;
type Deed = (typeof deeds)[number];

const relayPlans = fc.record({
  weather: fc.record({
    roomBytes: fc.integer({ min: 1, max: 200_000 }),
    leaveBytes: fc.integer({ min: 5_000, max: 300_000 }),
    leaveMs: fc.integer({ min: 0, max: 20 }),
    reads: fc.array(fc.oneof(sizes, fc.constant(READ_BYTES_MAX)), { maxLength: 25 }),
    readMs: fc.integer({ min: 0, max: 10 }),
    then: fc.constantFrom('nothing' as const, 'finish' as const),
  }),
  firstBytes: fc.integer({ min: 0, max: READ_BYTES_MAX }),
  pipeDelaysMs: fc.array(fc.integer({ min: 0, max: 10 }), { minLength: 1, maxLength: 5 }),
  deferMs: fc.integer({ min: 0, max: 5 }),
  writes: fc.array(writes, { maxLength: 15 }),
  writeMs: fc.integer({ min: 0, max: 10 }),
  /** Whether home waits for `drained` after it was told false. */
  isPatient: fc.boolean(),
  endsWhenWritten: fc.boolean(),
  deeds: fc.array(fc.tuple(fc.integer({ min: 0, max: 150 }), fc.constantFrom(...deeds)), { maxLength: 3 }),
});

type RelayPlan = typeof relayPlans extends fc.Arbitrary<infer Plan> ? Plan : never;

/** A relay, and a session's end at its home that writes and does as planned. */
class Play {
  readonly world: RelayWorld;
  /** How home left the line, if it did before that was closed. */
  left: 'end' | 'destroy' | 'died' | undefined;
  readonly #plan: RelayPlan;
  #next = 0;
  #isWaiting = false;

  constructor(plan: RelayPlan) {
    this.#plan = plan;
    let turn = 0;
    const pipeMs = (): number => {
      turn += 1;
      return plan.pipeDelaysMs[turn % plan.pipeDelaysMs.length] ?? 0;
    };
    this.world = new RelayWorld({ weather: plan.weather, firstBytes: plan.firstBytes, deferMs: plan.deferMs, pipeMs });
    this.world.onTold = (what) => {
      if (what === 'opened') this.#writeLater();
      if (what !== 'drained') return;
      this.#isWaiting = false;
      this.#writeLater();
    };
    for (const [atMs, deed] of plan.deeds) this.world.clock.at(atMs, () => this.#do(deed));
  }

  /** Plays to the end; whoever still pauses then goes on. */
  run(check: () => void): void {
    this.world.run(Infinity, check);
    if (this.isHomeUp) this.world.home.pause(false);
    this.world.run(Infinity, check);
  }

  /** Whether home still uses the line. */
  get isHomeUp(): boolean {
    return this.left === undefined && !this.world.told.includes('closed');
  }

  /** Whether home has written all it wanted to. */
  get isWritten(): boolean {
    return this.#next >= this.#plan.writes.length;
  }

  #writeLater(): void {
    this.world.clock.at(this.world.clock.now() + this.#plan.writeMs, () => this.#write());
  }

  #write(): void {
    if (!this.isHomeUp || this.#isWaiting) return;
    const count = this.#plan.writes[this.#next];
    if (count === undefined) {
      if (this.#plan.endsWhenWritten) this.#do('end');
      return;
    }
    this.#next += 1;
    this.#isWaiting = !this.world.write(count) && this.#plan.isPatient;
    if (!this.#isWaiting) this.#writeLater();
  }

  #do(deed: Deed): void {
    const { world } = this;
    if (deed === 'reset') world.line.reset();
    else if (deed === 'landing dies') {
      if (world.isLandingAlive) world.landingDies();
    } else if (this.isHomeUp) this.#atHome(deed);
  }

  #atHome(deed: Exclude<Deed, 'reset' | 'landing dies'>): void {
    const { world } = this;
    if (deed === 'pause' || deed === 'read on') {
      world.home.pause(deed === 'pause');
      return;
    }
    this.left = deed === 'home dies' ? 'died' : deed;
    if (deed === 'end') world.home.end();
    else if (deed === 'destroy') world.home.destroy();
    else world.homeDies();
  }
}

describe('a relay', () => {
  test('carries bytes both ways in order, whole where it ends gracefully, and ends exactly once', () => {
    fc.assert(
      fc.property(relayPlans, (plan) => {
        const play = new Play(plan);
        const { world } = play;
        const { line, home, landing } = world;
        // Bytes out of order, on a line or pipe that was left, or after `closed` make the world itself throw.
        play.run(() => {});
        const closedCount = world.told.filter((what) => what === 'closed').length;
        const isOver = line.state !== 'open';
        expect(closedCount).toBe(isOver && play.left === undefined ? 1 : 0);
        if (!world.isLandingAlive) return;
        expect(world.overCount).toBe(isOver ? 1 : 0);
        expect(landing.heldBytes).toBeLessThan(isOver ? 1 : RELAY_CREDIT_BYTES / 4);
        if (world.isHomeAlive) expect(home.heldBytes).toBeLessThan(isOver ? 1 : RELAY_CREDIT_BYTES / 4);
        if (line.state === 'ended') {
          expect(play.left).toBe('end');
          expect(line.wire.count).toBe(world.writtenBytes);
        } else if (line.state === 'destroyed') {
          expect(play.left).toMatch(/destroy|died/u);
        } else if (play.left === undefined) {
          expect(world.heard.count).toBe(line.readCount);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('comes to rest with everything carried when nobody ends it, however slow the line is', () => {
    const peaceful = relayPlans.map((plan) => ({
      ...plan,
      weather: { ...plan.weather, then: 'nothing' as const },
      endsWhenWritten: false,
      deeds: plan.deeds.filter(([, deed]) => deed === 'pause' || deed === 'read on'),
    }));
    fc.assert(
      fc.property(peaceful, (plan) => {
        const play = new Play(plan);
        const { world } = play;
        play.run(() => {});
        expect(play.isWritten).toBe(true);
        expect(world.line.wire.count).toBe(world.writtenBytes);
        expect(world.heard.count).toBe(plan.weather.reads.reduce((sum, count) => sum + count, plan.firstBytes));
        expect(world.overCount).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('holds at most its credit and one chunk in each direction', () => {
    const patient = relayPlans.map((plan) => ({ ...plan, isPatient: true }));
    fc.assert(
      fc.property(patient, (plan) => {
        const play = new Play(plan);
        const { home, landing, line, homePipe, landingPipe } = play.world;
        const outMax = RELAY_CREDIT_BYTES + Math.max(0, ...plan.writes);
        const inMax = RELAY_CREDIT_BYTES + Math.max(plan.firstBytes, ...plan.weather.reads);
        play.run(() => {
          if (home.heldBytes > outMax)
            throw new Error(`expected at most ${outMax} bytes at home, got ${home.heldBytes}`);
          if (landing.heldBytes > inMax)
            throw new Error(`expected at most ${inMax} bytes at the landing, got ${landing.heldBytes}`);
        });
        // Only a goodbye goes past the credit: the pipe throws where none follows.
        const carriedMax = play.left === 'end' ? outMax : RELAY_CREDIT_BYTES;
        expect(homePipe.underwayBytesMax).toBeLessThanOrEqual(carriedMax);
        // What a line takes without a false is its own affair.
        expect(line.waitingBytesMax).toBeLessThan(carriedMax + plan.weather.roomBytes);
        expect(landingPipe.underwayBytesMax).toBeLessThanOrEqual(line.state === 'closed' ? inMax : RELAY_CREDIT_BYTES);
      }),
      { numRuns: 100 },
    );
  });
});

const fates = fc.record({
  what: fc.constantFrom('open' as const, 'fail' as const, 'hang' as const),
  afterMs: fc.integer({ min: 0, max: 600 }),
});

const racePlans = fc.record({
  direct: fates,
  public: fates,
  leave: fc.option(
    fc.record({ atMs: fc.integer({ min: 0, max: 900 }), way: fc.constantFrom('end' as const, 'destroy' as const) }),
    { nil: undefined },
  ),
});

type RacePlan = typeof racePlans extends fc.Arbitrary<infer Plan> ? Plan : never;

/** Quarters of a millisecond keep the three kinds of moments apart. */
const DIRECT_LATER_MS = 0.25;
const LEAVE_LATER_MS = 0.75;

/** Who wins, and when; or when the race is lost. */
function expected({ direct, public: publicFate }: RacePlan): { winner: string | undefined; atMs: number } {
  const directMs = direct.afterMs + DIRECT_LATER_MS;
  const publicStartMs = direct.what === 'fail' ? Math.min(DIRECT_HEAD_START_MS, directMs) : DIRECT_HEAD_START_MS;
  const publicMs = publicStartMs + publicFate.afterMs + 0.5 * DIRECT_LATER_MS;
  const directOpensMs = direct.what === 'open' ? directMs : Infinity;
  const publicOpensMs = publicFate.what === 'open' ? publicMs : Infinity;
  if (directOpensMs < publicOpensMs) return { winner: 'direct:4001', atMs: directOpensMs };
  if (publicOpensMs < Infinity) return { winner: 'public', atMs: publicOpensMs };
  const areBothLost = direct.what === 'fail' && publicFate.what === 'fail';
  return { winner: undefined, atMs: areBothLost ? Math.max(directMs, publicMs) : Infinity };
}

function wrote(line: DialledLine): boolean {
  return line.calls.some((call) => call.startsWith('write'));
}

describe('a race to the direct port', () => {
  test('has one winner, which alone carries bytes, and leaves no timer and no other line behind', () => {
    fc.assert(
      fc.property(racePlans, (plan) => {
        const world = new RouteWorld();
        const outcome = expected(plan);
        const leftMs = plan.leave === undefined ? Infinity : plan.leave.atMs + LEAVE_LATER_MS;
        const isLeftEarly = leftMs < outcome.atMs;
        world.onDial = (dialled) => {
          const isPublic = dialled.name === 'public';
          const { what, afterMs } = isPublic ? plan.public : plan.direct;
          const laterMs = afterMs + (isPublic ? 0.5 * DIRECT_LATER_MS : DIRECT_LATER_MS);
          world.time.at(world.time.now() + laterMs, () => {
            if (what === 'open') dialled.open();
            else if (what === 'fail') dialled.fail(new Error(dialled.name));
          });
        };
        const decidedMs: number[] = [];
        world.route.learn(4_001);
        const line = world.route.dial({
          ...world.events,
          opened: () => {
            world.events.opened();
            decidedMs.push(world.time.now());
            expect(world.timerCount).toBe(0);
            line.write([new TextEncoder().encode('hello')]);
          },
          closed: (error) => {
            world.events.closed(error);
            decidedMs.push(world.time.now());
          },
        });
        const { leave } = plan;
        if (leave !== undefined) world.time.at(leftMs, () => line[leave.way]());
        world.run(5_000);

        const isDecided = !isLeftEarly && outcome.atMs < Infinity;
        expect(decidedMs).toEqual(isDecided ? [outcome.atMs] : []);
        expect(world.told).toEqual(!isDecided ? [] : outcome.winner === undefined ? ['closed public'] : ['opened']);
        expect(world.timerCount).toBe(0);
        expect(world.lines.filter(wrote).map(({ name }) => name)).toEqual(
          isDecided && outcome.winner !== undefined ? [outcome.winner] : [],
        );
        for (const dialled of world.lines) {
          if (isDecided && dialled.name === outcome.winner) {
            expect(dialled.state).toBe(leave === undefined ? 'open' : leave.way === 'end' ? 'ended' : 'destroyed');
          } else if (isDecided || leave !== undefined) {
            expect(dialled.state).toMatch(isDecided ? /destroyed|closed/u : /destroyed|ended|closed/u);
          }
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
