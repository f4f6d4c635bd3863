/**
 * The server of a contestant that sends the same messages to all its clients, which are a process that it starts. Told how
 * many may be on their way, it sends for a time and waits for the last. Arguments: contestant, links.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Program } from '../program.ts';
import type { Faults } from '../table.ts';
import { messageOf, textFor, userOf } from './message.ts';
import { contestantOf } from './registry.ts';
import { type Count, lostOf } from './tally.ts';

/** A message is on its way until the clients have got it, taken together. */
export interface FanOutOrder {
  readonly outstanding: number;
  readonly milliseconds: number;
  readonly bytes: number;
}

/** What came of it. */
export interface FannedOut {
  /** Deliveries a second, from the first message that was sent to the last one that came. */
  readonly rate: number;
  /** Since the start, over all clients. */
  readonly faults: Faults;
}

/** What has not come after so long in which nothing came is lost. */
const QUIET_MS = 3_000;

const [name = '', linksText = ''] = process.argv.slice(2);
const links = Number(linksText);
const contestant = await contestantOf(name);
const served = await contestant.serve((link) => link.onMessage(() => {}), {});
const client = new Program(besides('fan-out-client'), [name, linksText, JSON.stringify(served.address)]);
await client.next<'ready'>();
let sent = 0;
/** Messages that have come to all clients, and those that are not waited for any more. */
let done = 0;
let givenUp = 0;
let hearing: Promise<number | Count> | undefined;
process.on('message', (order: FanOutOrder) => void fanOut(order).then((answer) => process.send?.(answer)));
process.on('disconnect', () => void client[Symbol.asyncDispose]().finally(() => process.exit()));
process.send?.('ready');

async function fanOut({ outstanding, milliseconds, bytes }: FanOutOrder): Promise<FannedOut> {
  const text = textFor(bytes);
  const before = await count();
  const beganMs = performance.now();
  let lastMs = beganMs;
  while (performance.now() - beganMs < milliseconds || isWaiting()) {
    const mayBe = performance.now() - beganMs < milliseconds ? outstanding : 0;
    for (; sent - done - givenUp < mayBe; sent += 1) served.broadcast(messageOf(sent, userOf(0), text));
    const said = await Promise.race([hear(), sleep(QUIET_MS, undefined, { ref: false })]);
    if (typeof said === 'number') {
      done = said;
      lastMs = performance.now();
    } else givenUp = sent - done;
  }
  const after = await count();
  const { doubled, reordered } = after;
  // Where nothing came there is no last one to measure to.
  const rate = lastMs === beganMs ? 0 : ((after.came - before.came) / (lastMs - beganMs)) * 1_000;
  return { rate, faults: { lost: lostOf(sent * links, after), doubled, reordered } };
}

function isWaiting(): boolean {
  return done + givenUp < sent;
}

async function count(): Promise<Count> {
  client.tell('count');
  for (;;) {
    const said = await hear();
    if (typeof said !== 'number') return said;
    done = said;
  }
}

/** What the client says next; asked again before it has said it, the same. */
async function hear(): Promise<number | Count> {
  hearing ??= client.next<number | Count>();
  const said = await hearing;
  hearing = undefined;
  return said;
}

/** A program of this folder, as source or compiled, as this file is. */
function besides(program: string): URL {
  return new URL(`./${program}${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url);
}
