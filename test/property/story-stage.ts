/** Stories of calls, functions and streams, with an oracle of their own: what is asked runs once and is answered once. */
import { HomingError } from '../../src/errors.ts';
import { PromiseBroken } from '../../src/testing/course.ts';
import type { SimHost } from '../../src/testing/sim-host.ts';
import type { World } from '../../src/testing/world.ts';
import { Stage } from './stage.ts';

type Work = ((...args: unknown[]) => Promise<unknown>) & Disposable;
type Tell = (strike: (world: World) => void) => Promise<void>;

/** Either end, as far as these stories use it. */
interface Asker {
  call(method: string, ...args: unknown[]): Promise<unknown>;
}

const CHAOS_MS = 400;
const SETTLE_MS = 60_000;

/** A session whose client died is over soon, and with it what was asked of that. */
const timers = { handshakeMs: 1_000, lingerMs: 5_000, heartbeat: { intervalMs: 400, timeoutMs: 1_200 } };
const backoff = { firstMs: 10, baseMs: 50, maxMs: 200 };

/** What an asker may be told once somebody has died; a method that fails so at one end is a failed handler at the other. */
const losses = new Set(['OutcomeUnknown', 'SessionLost', 'Closed', 'HandlerFailed']);

/** What was asked, by whom, and what came of it. */
class Questions {
  readonly #words = new Map<string, { word: string; readonly asker: SimHost }>();
  readonly #ran = new Map<string, number>();

  /** Something with this name begins to run. */
  ran(name: string): void {
    this.#ran.set(name, (this.#ran.get(name) ?? 0) + 1);
  }

  /** Somebody asks for something, which is to be answered so. */
  ask(name: string, asker: SimHost, answer: Promise<unknown>, expected: unknown): void {
    const question = { word: 'open', asker };
    this.#words.set(name, question);
    answer.then(
      (value) => (question.word = value === expected ? 'well' : `with ${String(value)}`),
      (error: unknown) => {
        const code = error instanceof HomingError ? error.code : String(error);
        question.word = losses.has(code) ? 'lost' : `with ${code}`;
      },
    );
  }

  /** Whether everybody who lives has an answer. */
  get isDone(): boolean {
    return [...this.#words.values()].every(({ word, asker }) => word !== 'open' || !asker.isAlive);
  }

  /** Throws unless everything ran once at most and was answered well, or, after a death, with a loss. */
  inspect(hasDied: boolean): void {
    for (const [name, count] of this.#ran) {
      if (count > 1) throw new PromiseBroken(`${name} ran ${count} times`);
    }
    for (const [name, { word, asker }] of this.#words) {
      if (!asker.isAlive) continue;
      if (word === 'well' ? this.#ran.get(name) !== 1 : word !== 'lost' || !hasDied)
        throw new PromiseBroken(`${name} was answered ${word}, and ran ${this.#ran.get(name) ?? 0} times`);
    }
  }
}

/** What both ends do in a story; `by` comes before the names of what an end asks. */
type Part = (asker: Asker, host: SimHost, by: string, questions: Questions) => void;

/** Tells a story in which both ends do the same, each once; a process that is started again only answers. */
function tell(part: Part, methods: (questions: Questions, host: SimHost) => Record<string, unknown>): Tell {
  return async (strike) => {
    const questions = new Questions();
    const hasBegun = new Set<string>();
    const begin = (asker: Asker, host: SimHost, by: string): void => {
      if (hasBegun.has(by)) return;
      hasBegun.add(by);
      part(asker, host, by, questions);
    };
    const stage = new Stage({
      server: timers,
      client: { ...timers, backoff },
      atServer: (session, host) => {
        session.expose(methods(questions, host) as never);
        begin(session, host, 'server');
      },
      atClient: (client, host) => {
        client.expose(methods(questions, host) as never);
        begin(client, host, 'client');
      },
    });
    const { world, node, server } = stage;
    strike(world);
    await world.run(CHAOS_MS);
    world.heal();
    await stage.up();
    await world.until(() => hasBegun.size === 2 && questions.isDone, SETTLE_MS);
    questions.inspect(node.lifeCount + server.lifeCount > 2);
    node.host.hold(node.client.close({ drainMs: 0 }));
    await world.run(1_000);
    if (node.host.timerCount > 0) throw new PromiseBroken(`${node.host.timerCount} timers are left at the client`);
  };
}

const work = (questions: Questions, host: SimHost) => ({
  async work(name: unknown, ms: unknown) {
    questions.ran(String(name));
    if (Number(ms) > 0) await host.sleep(Number(ms));
    return `${String(name)} done`;
  },
});

/** How each story is told. */
export const tellOf = {
  calls: tell((asker, host, by, questions) => {
    for (const [what, ms] of [
      ['slow', 20],
      ['quick', 0],
    ] as const) {
      const name = `${by} ${what}`;
      questions.ask(name, host, asker.call('work', name, ms), `${name} done`);
    }
  }, work),

  functions: tell(
    (asker, host, by, questions) => {
      const own = (name: string) => () => {
        questions.ran(name);
        return `${name} done`;
      };
      questions.ask(`${by} passes`, host, asker.call('apply', own(`${by} passes`)), `${by} passes done`);
      const answer = asker.call('back', own(`${by} gets back`)).then((given) => (given as Work)());
      questions.ask(`${by} gets back`, host, answer, `${by} gets back done`);
    },
    () => ({
      apply: (given: unknown) => (given as Work)(),
      back: (given: unknown) => given,
    }),
  ),

  streams: tell(
    (asker, host, by, questions) => {
      const name = `${by} streams`;
      questions.ask(name, host, asker.call('list', name, numbers(30)), '0 to 29');
    },
    (questions) => ({
      async list(name: unknown, stream: unknown) {
        questions.ran(String(name));
        const list: unknown[] = [];
        for await (const item of stream as AsyncIterable<unknown>) {
          if (item !== list.length) throw new PromiseBroken(`expected item ${list.length}, got ${String(item)}`);
          list.push(item);
        }
        return `0 to ${list.length - 1}`;
      },
    }),
  ),
} satisfies Record<string, Tell>;

async function* numbers(most: number): AsyncGenerator<number> {
  for (let n = 0; n < most; n += 1) yield n;
}
