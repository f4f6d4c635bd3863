/**
 * Goodbyes in the middle of everything. Each settles by its deadline at the latest; one that settles earlier calls itself
 * clean, and then nothing accepted may be unconfirmed.
 */
import type { Cast, Pair } from './cast.ts';
import { PromiseBroken } from './course.ts';
import type { Closing } from './plan.ts';
import type { SimHost } from './sim-host.ts';

/** A goodbye that was said. */
export class Farewell {
  readonly #cast: Cast;
  readonly #closing: Closing;
  /** The deadline, once it has begun. */
  #endsAtMs = Infinity;
  #isSettled = false;

  constructor(cast: Cast, closing: Closing) {
    this.#cast = cast;
    this.#closing = closing;
  }

  /** Says it. */
  begin(): void {
    const { who, drainMs } = this.#closing;
    this.#endsAtMs = this.#cast.world.nowMs + drainMs;
    const { gallery, server } = this.#cast;
    const touches = who === 'server' ? undefined : `c${who}`;
    gallery?.tell(server.host, { type: 'fault', kind: 'goodbye', touches });
    if (who === 'server') this.#closeServer(drainMs);
    else this.#closeClient(this.#cast.pairs[who], drainMs);
  }

  /** Throws unless it has settled. */
  inspect(): void {
    if (this.#endsAtMs !== Infinity && !this.#isSettled) {
      throw new PromiseBroken(`close() of ${this.#closing.who} did not settle by ${this.#endsAtMs} ms`);
    }
  }

  #closeServer(drainMs: number): void {
    const { server } = this.#cast;
    if (!server.isUp) return void (this.#endsAtMs = Infinity);
    const met = server.shards === undefined ? [...this.#attached(server.host)] : [];
    if (server.shards !== undefined) server.shards.onDrain = ({ host }) => met.push(...this.#attached(host));
    this.#hold(server.server.close({ drainMs }), server.host, () => {
      for (const pair of met) this.#expectNothingUnconfirmed(pair);
    });
  }

  /** Clients that are connected to a session in this thread. */
  #attached(thread: SimHost): Pair[] {
    const { server, pairs } = this.#cast;
    return pairs.filter(
      ({ node }) => node.isUp && node.hosted?.isAttached === true && server.hostOf(node.client.id) === thread,
    );
  }

  #closeClient(pair: Pair | undefined, drainMs: number): void {
    if (pair === undefined || !pair.node.isUp) return void (this.#endsAtMs = Infinity);
    const { client, host } = pair.node;
    const isConnected = client.id !== '' && client.connection.state !== 'idle' && client.connection.state !== 'closed';
    this.#hold(client.close({ drainMs }), host, () => {
      const { unconfirmed, carried } = pair.account.endReport ?? { unconfirmed: 0, carried: 0 };
      if (isConnected && unconfirmed + carried > 0) {
        throw new PromiseBroken(
          `${pair.account.name} closed early and left ${unconfirmed} unconfirmed and ${carried} carried`,
        );
      }
    });
  }

  #hold(closing: Promise<void>, host: Pair['node']['host'], inspectClean: () => void): void {
    const { world } = this.#cast;
    host.hold(closing);
    void closing.then(() => {
      this.#isSettled = true;
      if (world.nowMs < this.#endsAtMs) world.loop.clock.at(world.nowMs, inspectClean);
    });
  }

  /** What the client had written to this server has been processed, and the client knows. */
  #expectNothingUnconfirmed({ node, account }: Pair): void {
    const { unconfirmed } = node.client.dialler.actor.session.outlet.counts;
    if (unconfirmed > 0)
      throw new PromiseBroken(`the server called its drain clean, and ${account.name} has ${unconfirmed} unconfirmed`);
  }
}
