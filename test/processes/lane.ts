/**
 * Real programs that are killed and stood still at random moments, and an audit of what all of them saw. Moments are drawn from
 * what the programs show, never from a clock. As a program: seconds, and a seed, as arguments.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Judge } from '../../src/testing/oracles/judge.ts';
import { Draws } from '../../src/testing/draws.ts';
import { SightLog, readSights, sharedNowMs } from '../../src/testing/sight-log.ts';
import type { BareSight, Sight } from '../../src/testing/sights.ts';
import { Actor } from './actor.ts';

const CLIENTS = 3;

/** Nothing of the lane may take so long; a machine may be busy. */
const REST_MS = 60_000;

/** How late a deadline may be told: as long as somebody stands still, on a busy machine. */
const TOLERANCE_MS = 30_000;

/** A lane that hangs is told before its test is given up. */
const LIMIT_MS = 100_000;

/** Whoever does so much more has had every chance to notice that somebody stands still. */
const DONE_MEANWHILE = 300;

/** How long a lane lasts: at least so many kills and stops, and so many seconds. */
export interface LaneOptions {
  readonly seed: number;
  readonly kills: number;
  readonly stops: number;
  readonly seconds: number;
}

/** What happened. */
export interface LaneReport {
  readonly kills: number;
  readonly stops: number;
  /** Stops that lasted until somebody had noticed. */
  readonly longStops: number;
  readonly sights: Readonly<Partial<Record<Sight['type'], number>>>;
}

/** Runs a lane; rejects with what the oracles find, or when a program fails. Nothing that it started outlives it. */
export async function runLane(options: LaneOptions): Promise<LaneReport> {
  const folder = mkdtempSync(join(tmpdir(), 'homing-lane-'));
  const lane = new Lane(folder, options);
  try {
    return await lane.run();
  } finally {
    await lane.leave();
    rmSync(folder, { recursive: true });
  }
}

class Lane {
  readonly #folder: string;
  readonly #options: LaneOptions;
  readonly #log: SightLog;
  readonly #server: Actor;
  readonly #clients: readonly Actor[];
  readonly #broken = Promise.withResolvers<never>();
  readonly #counts = { kills: 0, stops: 0, longStops: 0 };
  readonly #endsAtMs: number;
  #port = 0;
  /** Who stands still: one at a time, or two could wait for each other. */
  #standing: Actor | undefined;

  constructor(folder: string, options: LaneOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#endsAtMs = sharedNowMs() + options.seconds * 1_000;
    this.#log = new SightLog(join(folder, 'lane.jsonl'));
    this.#broken.promise.catch(() => {});
    AbortSignal.timeout(options.seconds * 1_000 + LIMIT_MS).addEventListener('abort', () => {
      const states = this.#all.map(({ who, life, doneCount }) => `${who}#${life} has done ${doneCount}`);
      this.#broken.reject(new Error(`seed ${options.seed}: no end: ${states.join(', ')}`));
    });
    const seed = String(options.seed);
    this.#server = this.#actor('server', 'server.ts', (life) => [
      String(life),
      String(this.#port),
      seed,
      join(folder, `server-${life}.jsonl`),
    ]);
    this.#clients = Array.from({ length: CLIENTS }, (_each, index) => {
      const who = `c${index}`;
      return this.#actor(who, 'client.ts', (life) => [
        who,
        String(life),
        String(this.#port),
        seed,
        join(folder, `${who}-${life}.jsonl`),
      ]);
    });
  }

  async run(): Promise<LaneReport> {
    await this.#unbroken(this.#listen());
    await this.#unbroken(Promise.all(this.#clients.map((client) => client.start('begun'))));
    await this.#unbroken(Promise.all(this.#all.map((actor) => this.#torment(actor))));
    this.#tell('lane', 1, { type: 'healed', withinMs: REST_MS });
    for (const client of this.#clients) client.order('finish');
    await this.#unbroken(Promise.all(this.#clients.map((each) => each.until(() => each.hasShown('finished')))));
    // What the server has said last is not waited for by anybody: its own goodbye is.
    await this.#unbroken(Promise.all(this.#clients.map((client) => client.close())));
    this.#tell('lane', 1, { type: 'rest' });
    await this.#unbroken(this.#server.close());
    return this.#audit();
  }

  /** Ends everything, whatever has happened. */
  async leave(): Promise<void> {
    await Promise.all(this.#all.map((actor) => actor.kill()));
    this.#log[Symbol.dispose]();
  }

  // ---- below

  get #all(): readonly Actor[] {
    return [this.#server, ...this.#clients];
  }

  #actor(who: string, program: 'server.ts' | 'client.ts', args: (life: number) => readonly string[]): Actor {
    return new Actor({
      who,
      program,
      args,
      cache: join(this.#folder, 'cache'),
      ended: (life) => this.#tell(who, life, { type: 'ends' }),
      failed: (sentence) => this.#broken.reject(new Error(`seed ${this.#options.seed}: ${sentence}`)),
    });
  }

  #tell(who: string, life: number, sight: BareSight): void {
    this.#log.tell({ ...sight, who, life, atMs: sharedNowMs() });
  }

  async #unbroken<Value>(work: Promise<Value>): Promise<Value> {
    return Promise.race([this.#broken.promise, work]);
  }

  async #listen(): Promise<void> {
    const word = await this.#server.start('port ');
    this.#port = Number(word.slice('port '.length));
  }

  get #isOver(): boolean {
    const { kills, stops } = this.#options;
    const { kills: killed, stops: stopped } = this.#counts;
    return killed >= kills && stopped >= stops && sharedNowMs() >= this.#endsAtMs;
  }

  /** Kills one program, or lets it stand still, again and again. */
  async #torment(actor: Actor): Promise<void> {
    const draws = new Draws(this.#options.seed, `torment of ${actor.who}`);
    const isServer = actor === this.#server;
    while (!this.#isOver) {
      // A server does the work of all clients.
      await actor.progress(1 + Math.floor(draws.number() * (isServer ? 60 : 25)));
      if (draws.number() < 0.7 || this.#standing !== undefined) await this.#kill(actor);
      else await this.#standStill(actor, draws);
    }
  }

  async #kill(actor: Actor): Promise<void> {
    this.#befall('kill', actor);
    this.#counts.kills += 1;
    await actor.kill();
    if (actor === this.#server) await this.#listen();
    else await actor.start('begun');
  }

  /** For a moment that nobody notices, or until somebody has given the connection up. */
  async #standStill(actor: Actor, draws: Draws): Promise<void> {
    const isLong = draws.number() < 0.4;
    const isServer = actor === this.#server;
    const watcher = isServer ? this.#clients[Math.floor(draws.number() * CLIENTS)] : this.#server;
    if (watcher === undefined) return;
    const before = watcher.downCount;
    const aim = watcher.doneCount + (isLong ? DONE_MEANWHILE : 2 + Math.floor(draws.number() * 6));
    this.#befall(isLong ? 'long stop' : 'stop', actor);
    this.#counts.stops += 1;
    this.#standing = actor;
    actor.stop();
    // Somebody else may be killed meanwhile, or stand still as well: then a new life counts as having noticed.
    const { life } = watcher;
    const hasNoticed = (): boolean => watcher.downCount > before || watcher.life !== life;
    await watcher.until(() => hasNoticed() || watcher.doneCount >= aim);
    if (watcher.downCount > before) this.#counts.longStops += 1;
    actor.goOn();
    this.#standing = undefined;
  }

  #befall(kind: string, actor: Actor): void {
    const touches = actor === this.#server ? undefined : actor.who;
    this.#tell('lane', 1, { type: 'fault', kind, touches });
  }

  #audit(): LaneReport {
    const files = readdirSync(this.#folder).filter((name) => name.endsWith('.jsonl'));
    const sights = readSights(files.map((name) => join(this.#folder, name)));
    const judge = new Judge({ toleranceMs: TOLERANCE_MS });
    const counts: Partial<Record<Sight['type'], number>> = {};
    for (const sight of sights) {
      judge.take(sight);
      counts[sight.type] = (counts[sight.type] ?? 0) + 1;
    }
    const finding = judge.end();
    if (finding === undefined) return { ...this.#counts, sights: counts };
    const { invariant, sentence, who, session, position } = finding;
    const where = [who, session, position].filter((word) => word !== undefined).join(', ');
    throw new Error(`seed ${this.#options.seed}: ${invariant}: ${sentence} (${where})`);
  }
}

if (import.meta.main) {
  const [seconds = '60', seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
  const report = await runLane({ seed: Number(seed), kills: 0, stops: 0, seconds: Number(seconds) });
  console.log(JSON.stringify({ seed: Number(seed), ...report }));
}
