/** Adapters of the simulator for the contracts: lines, pipes and a host whose time passes when a case lets it. */
import type { ClockAdapter, HostAdapter, LineAdapter, PipeAdapter } from 'homing/testing';
import type { Dial, PipeMessage } from '../../src/actors/ports.ts';
import { Draws } from '../../src/testing/draws.ts';
import type { Weather } from '../../src/testing/flow.ts';
import { Loop } from '../../src/testing/loop.ts';
import { type EndOwner, openChannel, simPipe } from '../../src/testing/sim-channel.ts';
import { SimHost } from '../../src/testing/sim-host.ts';
import { SimPath } from '../../src/testing/sim-path.ts';
import { stirringClock } from '../../src/testing/stirred.ts';
import { fairWeather } from '../../src/testing/world.ts';

/** Lets the next events of a world happen; false when it is at rest. */
async function step(loop: Loop): Promise<boolean> {
  const { nextMs } = loop.clock;
  await loop.run(nextMs === Infinity ? loop.clock.now() : nextMs);
  return nextMs !== Infinity;
}

/** Simulated lines in this weather. */
export function simulatedLines(weather: Partial<Weather> = {}): LineAdapter {
  let seed = 0;
  let loop = new Loop();
  const pathOf = (accept: (dial: Dial) => void): SimPath => {
    loop = new Loop();
    seed += 1;
    const client = new SimHost(loop, 'client', seed);
    const server = new SimHost(loop, 'server', seed);
    return new SimPath({
      name: 'path',
      seed,
      clock: loop.clock,
      weather: { ...fairWeather, ...weather },
      address: '198.51.100.1',
      client: () => client,
      server: () => ({ host: server, accept }),
      watch: () => {},
    });
  };
  return {
    cutIsError: true,
    keepsCutWhilePaused: ['dialling', 'accepting'],
    bulkBytes: 400_000,
    turn: () => step(loop),
    failing() {
      const path = pathOf(() => {});
      path.door = 'refuses';
      return path.dial;
    },
    pair() {
      let accepted: Dial | undefined;
      const path = pathOf((dial) => void (accepted = dial));
      return Promise.resolve({
        dialling: path.dial,
        async accepting() {
          while (accepted === undefined) {
            if (!(await step(loop))) throw new Error('expected the line to arrive');
          }
          return accepted;
        },
        cut: () => path.cutAfter('server', 0),
        [Symbol.asyncDispose]: () => Promise.resolve(),
      });
    },
  };
}

/** Simulated pipes whose messages take up to so long. */
export function simulatedPipes(delayMs: number): PipeAdapter {
  let loop = new Loop();
  let seed = 0;
  return {
    turn: () => step(loop),
    pair() {
      loop = new Loop();
      seed += 1;
      const owners = ['near', 'far'].map((name): EndOwner => ({
        host: new SimHost(loop, name, seed),
        ends: new Set(),
      }));
      const ends = openChannel<PipeMessage>({
        clock: loop.clock,
        draws: new Draws(seed, 'channel'),
        delayMs,
        touched: () => {},
      });
      ends.forEach((end, index) => end.belong(owners[index] as EndOwner));
      const [near, far] = ends;
      return {
        near: simPipe(near),
        far: simPipe(far),
        vanish() {
          owners[0]?.host.kill();
          near.die();
        },
        [Symbol.asyncDispose]: () => Promise.resolve(),
      };
    },
  };
}

/** A simulated process. */
export function simulatedHost(): HostAdapter {
  const loop = new Loop();
  return { host: new SimHost(loop, 'process', 1), isDouble: true, turn: () => step(loop) };
}

/** The clock of a world, without a process. */
export function virtualClock(): ClockAdapter {
  const loop = new Loop();
  return { clock: loop.clock, turn: () => step(loop) };
}

/** The same for a process that has few promises. */
export function stirredClock(): ClockAdapter {
  const loop = new Loop();
  return { clock: stirringClock(loop, loop.clock), turn: () => step(loop) };
}
