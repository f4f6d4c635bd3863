/**
 * A line that can be cut: forwards TCP connections to a server, in a process of its own, alike for every contestant. It does
 * nothing with the bytes. A cut resets both halves of every connection at once; what was under way dies, as it does when a
 * router goes down. Argument: the port of the server. Says its own port, then answers one order after another.
 */
import { type Socket, connect, createServer } from 'node:net';
import { nowMs } from '../clock.ts';

/** What a cutter is told. */
export type CutterOrder =
  /** Cuts everything once. */
  | { readonly type: 'cut' }
  /** Cuts nothing; answers how many connections there are. */
  | { readonly type: 'count' }
  /** Cuts everything again and again; the answer comes when the time is over. */
  | { readonly type: 'cutEvery'; readonly everyMs: number; readonly forMs: number };

/** What was cut. */
export interface Cutting {
  /** When the first cut began, by the clock of the machine. */
  readonly atMs: number;
  /** Cuts that met a connection. */
  readonly cuts: number;
  /** Connections that were cut, each as often as it was; those that are open, where that was asked. */
  readonly lines: number;
}

/** More than any row has clients: none of them waits a second for the retry of its SYN. */
const BACKLOG = 8_192;

const port = Number(process.argv[2]);
const open = new Set<ForwardedLine>();
const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => void new ForwardedLine(near));
server.listen({ host: '127.0.0.1', port: 0, backlog: BACKLOG }, () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port });
});
process.on('message', (order: CutterOrder) => {
  if (order.type === 'cut') process.send?.(cut());
  else if (order.type === 'count') process.send?.({ atMs: nowMs(), cuts: 0, lines: open.size } satisfies Cutting);
  else cutEvery(order.everyMs, order.forMs);
});
process.on('disconnect', () => process.exit());

/** One connection: what either half sends goes to the other one, and so does its end. */
class ForwardedLine {
  readonly #near: Socket;
  readonly #far: Socket;

  constructor(near: Socket) {
    this.#near = near;
    this.#far = connect({ host: '127.0.0.1', port, noDelay: true, allowHalfOpen: true });
    open.add(this);
    for (const half of [this.#near, this.#far])
      half.on('error', () => this.reset()).on('close', () => this.#closed(half));
    this.#near.pipe(this.#far);
    this.#far.pipe(this.#near);
  }

  /** Neither half hears of the other one again. */
  reset(): void {
    open.delete(this);
    this.#near.resetAndDestroy();
    this.#far.resetAndDestroy();
  }

  #closed(half: Socket): void {
    open.delete(this);
    const other = half === this.#near ? this.#far : this.#near;
    if (!other.destroyed && !other.writableEnded) other.end();
  }
}

function cut(): Cutting {
  const atMs = nowMs();
  const lines = open.size;
  for (const line of open) line.reset();
  return { atMs, cuts: lines > 0 ? 1 : 0, lines };
}

function cutEvery(everyMs: number, forMs: number): void {
  const atMs = nowMs();
  let cuts = 0;
  let lines = 0;
  const timer = setInterval(() => {
    const done = cut();
    cuts += done.cuts;
    lines += done.lines;
    if (nowMs() - atMs < forMs) return;
    clearInterval(timer);
    process.send?.({ atMs, cuts, lines } satisfies Cutting);
  }, everyMs);
}
