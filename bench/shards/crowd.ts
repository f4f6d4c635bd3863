/**
 * Many clients in a process of their own. Told 'pass' it lets sessions come, exchange messages and end; told 'open' it
 * opens some that stay; told 'watch' it answers twice: at once, and when each of them was cut, came back as the same
 * session and got the answers to all it sent. Argument: the port.
 */
import { type Client, createClient } from 'homing';
import { nowMs } from '../clock.ts';
import type { Ticking } from './contracts.ts';

/** What may be asked. */
export type CrowdOrder =
  | { readonly type: 'pass'; readonly sessions: number; readonly atOnce: number; readonly ticks: number }
  | { readonly type: 'open'; readonly sessions: number; readonly atOnce: number }
  | { readonly type: 'watch' };

/** How the sessions came back: times of the machine's own clock, in milliseconds. */
export interface Returned {
  readonly upAtMs: readonly number[];
  readonly answeredAtMs: readonly number[];
  /** Those that were not resumed, or whose answers were not those expected. */
  readonly lost: number;
  /** Processor time of this process meanwhile. */
  readonly cpuMs: number;
  /** Codes of the dials that failed or were refused on the way, with how often each came. */
  readonly setbacks: Readonly<Record<string, number>>;
}

/** After this it is given up. */
const LATE_MS = 60_000;

const port = Number(process.argv[2]);

/** One session and the account of its ticks. */
class Member {
  readonly client: Client<Ticking>;
  #sent = 0;
  #answers = 0;
  #isFaulty = false;
  #answered: (() => void) | undefined;

  constructor() {
    this.client = createClient<Ticking>(port);
    this.client.on('tock', (count) => {
      this.#answers += 1;
      if (count !== this.#answers) this.#isFaulty = true;
      if (this.#answers === this.#sent) this.#answered?.();
    });
    this.client.connection.on('gap', () => (this.#isFaulty = true));
  }

  /** Whether each tick was answered once, in one session. */
  get isWhole(): boolean {
    return !this.#isFaulty && this.#answers === this.#sent;
  }

  tick(): Promise<void> {
    this.#sent += 1;
    this.client.send('tick');
    return new Promise((resolve) => (this.#answered = resolve));
  }
}

const members: Member[] = [];

process.on('disconnect', () => process.exit());
process.on('message', (order: CrowdOrder) => void obey(order));
process.send?.('ready');

async function obey(order: CrowdOrder): Promise<void> {
  switch (order.type) {
    case 'pass':
      await inTurn(order.sessions, order.atOnce, () => comeAndGo(order.ticks));
      process.send?.('done');
      return;
    case 'open':
      await inTurn(order.sessions, order.atOnce, async () => {
        const member = new Member();
        members.push(member);
        await member.tick();
      });
      process.send?.('done');
      return;
    case 'watch':
      await watch();
  }
}

/** Runs so many tasks, some of them at a time. */
async function inTurn(count: number, atOnce: number, task: () => Promise<void>): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    for (; left > 0;) {
      left -= 1;
      await task();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

async function comeAndGo(ticks: number): Promise<void> {
  const member = new Member();
  for (let tick = 0; tick < ticks; tick += 1) await member.tick();
  if (!member.isWhole) throw new Error('expected an answer to each tick');
  await member.client.close();
}

async function watch(): Promise<void> {
  const before = process.cpuUsage();
  const setbacks: Record<string, number> = {};
  const returning = members.map((member) => comeBack(member, setbacks));
  process.send?.('watching');
  const times = await Promise.all(returning);
  const lost = times.filter(({ resumed }, index) => !resumed || members[index]?.isWhole !== true).length;
  const { user, system } = process.cpuUsage(before);
  const returned: Returned = {
    upAtMs: times.map(({ upAtMs }) => upAtMs),
    answeredAtMs: times.map(({ answeredAtMs }) => answeredAtMs),
    lost,
    cpuMs: (user + system) / 1_000,
    setbacks,
  };
  process.send?.(returned);
}

interface Back {
  readonly upAtMs: number;
  readonly answeredAtMs: number;
  readonly resumed: boolean;
}

/** What it sends when its connection dies is answered after the next one has come. One that never comes is lost. */
async function comeBack(member: Member, setbacks: Record<string, number>): Promise<Back> {
  const { connection } = member.client;
  const answered = Promise.withResolvers<void>();
  const up = Promise.withResolvers<Pick<Back, 'upAtMs' | 'resumed'>>();
  let isCut = false;
  const stops = [
    connection.on('down', () => {
      isCut = true;
      void member.tick().then(answered.resolve);
    }),
    connection.on('up', ({ resumed }) => {
      if (isCut) up.resolve({ upAtMs: nowMs(), resumed });
    }),
    connection.on('reconnect', ({ attempt, cause }) => {
      const code = cause !== undefined && 'code' in cause ? String(cause.code) : String(cause?.message);
      if (attempt > 1) setbacks[code] = (setbacks[code] ?? 0) + 1;
    }),
  ];
  const late = setTimeout(() => {
    up.resolve({ upAtMs: nowMs(), resumed: false });
    answered.resolve();
  }, LATE_MS);
  const [back] = await Promise.all([up.promise, answered.promise]);
  clearTimeout(late);
  for (const stop of stops) stop();
  return { ...back, answeredAtMs: nowMs() };
}
