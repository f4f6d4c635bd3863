/**
 * Real sockets and real shards behind a proxy that cuts: many sessions speak both ways until so many connections are lost, and
 * every message is accounted for. A test calls it; as a program it goes on for as long as it is told:
 * `node --conditions=homing-source test/real/lane.ts --seconds 600 --sessions 150`.
 */
import { parseArgs } from 'node:util';
import type { Worker } from 'node:worker_threads';
import { type Server, createServer } from 'homing';
import { type ProxyCounts, chaosProxy } from '../../src/testing/proxy/chaos-proxy.ts';
import { draw, storm } from '../../src/testing/proxy/storm.ts';
import { Ledger } from '../threads/ledger.ts';
import { type EarlyAndLate, Memory } from './memory.ts';
import type { Numbers } from './numbers.ts';
import { Speaker } from './speaker.ts';

/** What a run is made from. It is over when both `disconnects` and `seconds` are reached. */
export interface RealLaneOptions {
  readonly seed: number;
  /** Connections that are lost, at least. */
  readonly disconnects?: number | undefined;
  readonly seconds?: number | undefined;
  readonly sessions?: number | undefined;
  readonly shards?: number | undefined;
  /** Shards that are ended at random from outside; sessions in them lose their history and say what of it is certain. */
  readonly terminations?: number | undefined;
  /** A run that takes longer has failed: a session hangs. */
  readonly limitMs: number;
}

/** What came of a run in which nothing broke. */
export interface RealLaneReport {
  /** Of which `cuts` are the connections that were lost. */
  readonly counts: ProxyCounts;
  readonly seconds: number;
  readonly perSecond: number;
  /** Processor time for each of them in the thread of clients, proxy and listener: what bounds the rate on a machine that is busy with others. */
  readonly cpuMsEach: number;
  /** Times that a session went on by another connection. */
  readonly resumes: number;
  /** Resumes while some connection was at the home of its session, and while one was carried over from another shard. */
  readonly landings: { readonly atHome: number; readonly relayed: number };
  /** Sessions that lost their history. */
  readonly gaps: number;
  readonly said: number;
  readonly heard: number;
  readonly terminations: number;
  /** Resident memory of the process, and what the heaps of all threads hold. */
  readonly rssBytes: EarlyAndLate;
  readonly heapBytes: EarlyAndLate;
}

const behavior = new URL('./modules/lane.behavior.ts', import.meta.url);

/** The heartbeat is short, so that a black hole costs less than half a second. */
const options = {
  heartbeat: { intervalMs: 100, timeoutMs: 300 },
  handshakeMs: 2_000,
  limits: { outboxMessages: 64, outboxBytes: 2_000_000 },
};

/** A connection lives for some messages; a way of its own for each session, so that a refusal hits one of them. */
const weather = {
  upBytesMax: 1_200,
  downBytesMax: 1_200,
  stallMsMax: 30,
  refuseMsMax: 20,
  latencyMsMax: 3,
  holes: 0.3,
  flips: true,
};

/** Runs the lane; rejects with the first promise that was broken, and the seed. What it opens is closed when it is over. */
export async function realLane(told: RealLaneOptions): Promise<RealLaneReport> {
  try {
    return await run(told);
  } catch (error) {
    const sentence = error instanceof Error ? error.message : String(error);
    throw new Error(`with SEED=${told.seed}: ${sentence}`, { cause: error });
  }
}

async function run(told: RealLaneOptions): Promise<RealLaneReport> {
  const { seed, disconnects = 0, seconds = 0, sessions = 150, shards = 2, terminations = 0, limitMs } = told;
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => {});
  const fault = (sentence: string): void => broken.reject(new Error(sentence));
  const orBroken = <Value>(work: Promise<Value>): Promise<Value> => Promise.race([broken.promise, work]);
  // A failure leaves at once, without a drain.
  const stop = new AbortController();
  using _leaving = { [Symbol.dispose]: () => stop.abort() };
  using ledger = terminations > 0 ? new Ledger() : undefined;
  using threads = new Threads();
  const { signal } = stop;
  const restarts = { max: 1_000, withinMs: 1 };
  await using server = createServer<Numbers>(behavior, { ...options, shards, restarts, checksum: true, signal });
  let crashes = 0;
  server.on('error', (error) => {
    crashes += 1;
    if (error.code !== 'ShardCrashed' || crashes > threads.ended) fault(`${error.code}: ${error.message}`);
  });
  const landings = { atHome: 0, relayed: 0 };
  server.on('up', (_, { resumed }) => {
    const { relays, connections } = server.counts;
    if (resumed && relays > 0) landings.relayed += 1;
    if (resumed && connections > relays) landings.atHome += 1;
  });
  server.on('gap', () => fault('a session of the server says that its client lost history'));
  const { port: targetPort } = await server.listen(0);
  await using proxy = chaosProxy({ plan: storm({ seed, ...weather }) });
  await proxy.open(targetPort);
  const client = { ...options, checksum: true, signal, backoff: { firstMs: 2, baseMs: 5, maxMs: 40 } };
  const speakers: Speaker[] = [];
  for (let index = 0; index < sessions; index += 1) {
    const name = `speaker ${index}`;
    const { port } = await proxy.openLane();
    speakers.push(new Speaker({ name, port, client, ledger: ledger?.file, fault, mayLose: () => threads.ended > 0 }));
  }

  const limit = setTimeout(() => fault(`no end: ${sentenceOf(proxy.counts, server, speakers)}`), limitMs);
  using _limit = { [Symbol.dispose]: () => clearTimeout(limit) };
  const startedMs = performance.now();
  const cpuBefore = process.threadCpuUsage();
  const progress = (): number =>
    Math.min(
      disconnects === 0 ? 1 : proxy.counts.cuts / disconnects,
      seconds === 0 ? 1 : (performance.now() - startedMs) / (seconds * 1_000),
      terminations === 0 ? 1 : crashes / terminations,
    );
  using memory = new Memory(progress, () => threads.open);
  let isOver = false;
  let drawn = 0;
  const looking = setInterval(() => {
    const done = progress();
    isOver ||= done >= 1;
    // Spread over the run, and one after another: a shard that is being started is none.
    if (
      threads.ended === crashes &&
      crashes < terminations &&
      shareOf(proxy.counts.cuts, disconnects) > (crashes + 1) / (terminations + 1)
    ) {
      drawn += 1;
      threads.endOne(draw(seed, drawn, 'thread'));
    }
  }, 10);
  using _looking = { [Symbol.dispose]: () => clearInterval(looking) };
  await orBroken(Promise.all(speakers.map((speaker) => speaker.speak(() => isOver))));
  const tookMs = performance.now() - startedMs;
  const cpu = process.threadCpuUsage(cpuBefore);
  const { counts } = proxy;
  await orBroken(proxy.heal());
  await orBroken(Promise.all(speakers.map((speaker) => speaker.settle())));
  await orBroken(Promise.all(speakers.map((speaker) => speaker.client.close())));
  await orBroken(server.close());
  // Nobody is left at either end of any connection, so none may be left between them.
  while (proxy.openCount > 0) await orBroken(new Promise((resolve) => setImmediate(resolve)));
  if (ledger !== undefined) {
    const started = ledger.read();
    for (const speaker of speakers) speaker.audit(started);
  }
  const { sessions: left, connections, bytes } = server.counts;
  if (left + connections + bytes > 0) fault(`left behind: ${JSON.stringify(server.counts)}`);
  await orBroken(Promise.resolve());
  return {
    counts,
    seconds: tookMs / 1_000,
    perSecond: counts.cuts / (tookMs / 1_000),
    cpuMsEach: (cpu.user + cpu.system) / 1_000 / counts.cuts,
    resumes: sum(speakers, 'resumes'),
    landings,
    gaps: sum(speakers, 'gaps'),
    said: sum(speakers, 'said'),
    heard: sum(speakers, 'heard'),
    terminations: crashes,
    rssBytes: memory.rssBytes,
    heapBytes: memory.heapBytes,
  };
}

/** The worker threads that this one starts, so that some of them can be ended from outside. */
class Threads implements Disposable {
  /** How many were ended. */
  ended = 0;
  /** Those that run. */
  readonly open = new Set<Worker>();
  readonly #started = (worker: Worker): void => {
    this.open.add(worker);
    worker.once('exit', () => this.open.delete(worker));
  };

  constructor() {
    process.on('worker', this.#started);
  }

  /** Ends one of them, by a number in [0, 1): most often the oldest, as one that has just begun has few sessions. */
  endOne(chance: number): void {
    const worker = [...this.open][chance < 0.7 ? 0 : Math.floor(chance * this.open.size)];
    if (worker === undefined) return;
    this.ended += 1;
    void worker.terminate();
  }

  [Symbol.dispose](): void {
    process.off('worker', this.#started);
  }
}

function shareOf(count: number, all: number): number {
  return all === 0 ? 1 : count / all;
}

function sum(speakers: readonly Speaker[], name: 'resumes' | 'gaps' | 'said' | 'heard'): number {
  return speakers.reduce((total, speaker) => total + speaker[name], 0);
}

function sentenceOf(counts: ProxyCounts, server: Server<Numbers>, speakers: readonly Speaker[]): string {
  const states = speakers.map(({ client, said, heard }) => `${client.connection.state} ${said} ${heard}`);
  return `${JSON.stringify(counts)}, ${JSON.stringify(server.counts)}, ${states.join(', ')}`;
}

/** One line for people. */
export function lineOf({
  counts,
  perSecond,
  cpuMsEach,
  seconds,
  resumes,
  said,
  heard,
  gaps,
  terminations,
}: RealLaneReport): string {
  return (
    `${counts.cuts} disconnects in ${seconds.toFixed(1)} s (${Math.round(perSecond)}/s, ${cpuMsEach.toFixed(2)} ms of processor each), ${resumes} resumes, ` +
    `${said} said, ${heard} heard, ${terminations} shards ended, ${gaps} histories lost`
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string' },
      disconnects: { type: 'string' },
      sessions: { type: 'string' },
      shards: { type: 'string' },
      terminations: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const numberOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const seconds = numberOf(values.seconds) ?? (values.disconnects === undefined ? 20 : undefined);
  const report = await realLane({
    seed: numberOf(values.seed) ?? Math.floor(Math.random() * 1_000_000_000),
    seconds,
    disconnects: numberOf(values.disconnects),
    sessions: numberOf(values.sessions),
    shards: numberOf(values.shards),
    terminations: numberOf(values.terminations),
    limitMs: (seconds ?? 0) * 1_000 + 300_000,
  });
  console.log(lineOf(report));
  console.log(JSON.stringify(report, undefined, 2));
}
