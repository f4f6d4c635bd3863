/** Handshakes that do not end, and heartbeats. */
import { Skipped, join, u64 } from '../bytes.ts';
import { frame, types } from '../frames.ts';
import { type Scene, must, numberOf, same } from '../scene.ts';
import type { Case, Group, Step } from '../steps.ts';
import * as step from '../steps.ts';

const { alive, control, does, ends, expects, livesOn, opens, says, sends } = step;

/** A handshake is usually bounded by 10 s, a heartbeat timeout by 15 s. */
const LONG_MS = 30_000;

const notAnswering: Step = does('no answer to any PING', (scene) => {
  scene.line.isAnswering = false;
});

/** The settings of the server's heartbeat, if it has one. */
function heartbeatOf({ welcome }: Scene): { readonly intervalMs: number; readonly timeoutMs: number } {
  const { heartbeatIntervalMs: intervalMs, heartbeatTimeoutMs: timeoutMs } = welcome;
  if (intervalMs === 0) throw new Skipped('it sends no pings');
  if (timeoutMs > 20_000) throw new Skipped('its heartbeat timeout is more than 20 s');
  return { intervalMs, timeoutMs };
}

const times: readonly Case[] = [
  {
    id: 'T-01',
    level: 'MUST',
    section: 4,
    withinMs: LONG_MS,
    demand: 'A connection without HELLO is ended (30 s are allowed for).',
    steps: [step.dials(), ends()],
  },
  {
    id: 'T-02',
    level: 'MUST',
    section: 4,
    withinMs: LONG_MS,
    demand: 'A connection with half a HELLO is ended, also when bytes of it go on to come.',
    steps: [
      step.dials(),
      does('a byte of HELLO every 200 ms', (scene) => {
        const bytes = scene.hello({ extra: Buffer.alloc(300) });
        let at = 0;
        const timer = setInterval(() => void scene.line.write(bytes.subarray(at, (at += 1))), 200);
        scene.atEnd(() => clearInterval(timer));
      }),
      ends(),
    ],
  },
  {
    id: 'T-03',
    level: 'SHOULD',
    section: 13,
    withinMs: LONG_MS,
    demand: 'An end that has heard nothing for its heartbeat interval sends PING.',
    steps: [
      opens(),
      expects('PING within the interval that WELCOME has, and 2 s', async (scene) => {
        const { intervalMs } = heartbeatOf(scene);
        await scene.until('PING', ({ type }) => type === types.PING, intervalMs + 2_000);
      }),
    ],
  },
  {
    id: 'T-04',
    level: 'MUST',
    section: 13,
    withinMs: LONG_MS,
    demand: 'An end that has heard nothing for its heartbeat timeout drops the connection, and the session is kept.',
    steps: [
      opens(),
      notAnswering,
      expects('an end within the timeout that WELCOME has, and 5 s', async (scene) => {
        const { timeoutMs } = heartbeatOf(scene);
        const begunMs = performance.now();
        await scene.over();
        const tookMs = performance.now() - begunMs;
        must(tookMs < timeoutMs + 5_000, `it took ${Math.round(tookMs)} ms`);
        must(tookMs > timeoutMs * 0.9, `it took ${Math.round(tookMs)} ms, which is too early`);
      }),
      livesOn(),
    ],
  },
  {
    id: 'T-05',
    level: 'MUST',
    section: 13,
    withinMs: 50_000,
    demand: 'Any byte that is received is life: a client that answers no PING but sends is not silent.',
    steps: [
      opens(),
      notAnswering,
      expects('the connection to outlive its timeout', async (scene) => {
        const { timeoutMs } = heartbeatOf(scene);
        const untilMs = performance.now() + timeoutMs * 2;
        while (performance.now() < untilMs) {
          await scene.write(scene.ack());
          await step.waits(timeoutMs * 0.6, '').run(scene);
        }
        await scene.alive();
      }),
    ],
  },
  {
    id: 'T-06',
    level: 'MUST',
    section: 13,
    target: true,
    demand: 'PING is answered also while a handler runs.',
    steps: [
      opens(),
      says('EVENT', 'slow', 1_500),
      expects('PONG within 700 ms', (scene) => scene.alive(700)),
      expects('the handler to run still', (scene) => same('the cursor', scene.told.cursor, 0)),
    ],
  },
  {
    id: 'T-07',
    level: 'MUST',
    section: 13,
    demand: 'A PONG that nobody asked for is ignored.',
    steps: [opens(), control('PONG', u64(12_345)), alive()],
  },
  {
    id: 'T-08',
    level: 'MUST',
    section: 13,
    demand: 'Of PINGs that wait together the newest is answered.',
    steps: [
      opens(),
      sends('three PINGs in one write', (scene) => {
        for (const nonce of [1, 2, 3]) scene.session.nonces.add(nonce);
        return join(...[1, 2, 3].map((nonce) => frame(types.PING, u64(nonce), scene.checksummed)));
      }),
      expects('PONG 3', (scene) =>
        scene.until('PONG 3', ({ type, body }) => type === types.PONG && numberOf(body) === 3),
      ),
    ],
  },
  {
    id: 'T-09',
    level: 'MUST',
    section: 13,
    withinMs: LONG_MS,
    demand:
      'A frame that does not end is bad-frame after twice the heartbeat timeout and two seconds for each KiB of it, while bytes of it come.',
    steps: [
      opens(),
      notAnswering,
      does('the header of an event of 1,024 bytes, and a byte of it every 200 ms', async (scene) => {
        await scene.write(scene.control(types.ORDERED, Buffer.alloc(0), { flags: 1, seq: 1, length: 1_024 }));
        const { line } = scene;
        const timer = setInterval(() => void line.write(Buffer.alloc(1)), 200);
        scene.atEnd(() => clearInterval(timer));
      }),
      expects('CLOSE bad-frame within that time and 5 s', async (scene) => {
        const { timeoutMs } = heartbeatOf(scene);
        const begunMs = performance.now();
        await step.closes('bad-frame').run(scene);
        const tookMs = performance.now() - begunMs;
        must(tookMs < 2 * timeoutMs + 7_000, `it took ${Math.round(tookMs)} ms`);
        must(tookMs > 2 * timeoutMs * 0.9, `it took ${Math.round(tookMs)} ms, which is too early`);
      }),
      livesOn(),
    ],
  },
];

/** Sections 4 and 13. */
export const deadlines: Group = { name: 'deadlines', about: 'handshakes that do not end, heartbeats', cases: times };
