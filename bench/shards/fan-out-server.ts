/**
 * A server with shards whose main thread sends every session the same events; the clients are a process that it starts.
 * Told how many events may be on their way, it sends for a time, waits for the last and says what came of them.
 * Arguments: shards, sessions.
 */
import { type Sent, createServer } from 'homing';
import { Program } from '../program.ts';
import { sample } from '../sample.ts';
import type { FanningOut } from './contracts.ts';
import type { Account } from './fan-out-client.ts';

/** An event is on its way until every session has got it. */
export interface FanOutOrder {
  readonly outstanding: number;
  readonly milliseconds: number;
}

/** What came of it. */
export interface FannedOut {
  /** Deliveries a second, once the code was warm. */
  readonly rate: number;
  /** Copies that sessions did not accept, or that were kept for sessions to come. */
  readonly refused: number;
  readonly held: number;
  /** Copies that were accepted and did not come, or came again, or not in order. */
  readonly lost: number;
}

/** Not counted in the rate: the time in which the engine compiles. */
const WARM_MS = 1_000;

const [shards = 0, sessions = 0] = process.argv.slice(2).map(Number);
const module = new URL('./fan-out.behavior.ts', import.meta.url);
const server = createServer<FanningOut>(module, { shards });
const { port } = await server.listen(0);
const client = new Program(new URL('./fan-out-client.ts', import.meta.url), [port, sessions].map(String));
await client.next<'ready'>();
/** Events so far: each is known by its number. */
let lastId = 0;
const total = { accepted: 0, refused: 0, held: 0 };
process.on('message', (order: FanOutOrder) => void execute(order).then((done) => process.send?.(done)));
process.on('disconnect', () => void leave());
process.send?.('ready');

async function execute({ outstanding, milliseconds }: FanOutOrder): Promise<FannedOut> {
  const before = { ...total };
  const group = server.toAll();
  const sending: Promise<void>[] = [];
  const beginMs = performance.now();
  let firstId = lastId;
  let warmMs = beginMs;
  let doneId = lastId;
  while (performance.now() - beginMs < milliseconds) {
    for (; lastId - doneId < outstanding; lastId += 1) sending.push(group.send('sample', sample(lastId + 1)).then(add));
    // In order, as each session gets them in order.
    doneId = await client.next<number>();
    if (warmMs > beginMs || performance.now() - beginMs < WARM_MS) continue;
    warmMs = performance.now();
    firstId = doneId;
  }
  const rate = (((doneId - firstId) * sessions) / (performance.now() - warmMs)) * 1_000;
  while (doneId < lastId) doneId = await client.next<number>();
  await Promise.all(sending);
  const { deliveries, faults } = await client.ask<Account>('account');
  const lost = Math.abs(total.accepted - deliveries) + faults;
  return { rate, refused: total.refused - before.refused, held: total.held - before.held, lost };
}

function add({ accepted, refused, held }: Sent): void {
  total.accepted += accepted;
  total.refused += refused;
  total.held += held;
}

/** Well, so that the threads can leave their profiles. */
async function leave(): Promise<void> {
  await client[Symbol.asyncDispose]();
  await server.close({ drainMs: 0 });
  process.exit();
}
