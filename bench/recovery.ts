/**
 * How long a session needs to go on after its connection died, on loopback, through the cutting proxy in one process: from
 * the fault to the next message that the peer has processed. Run it alone, or let `bench/main.ts` call it.
 */
import { createClient, createServer } from 'homing';
import { type ChaosProxy, openProxy } from '../src/testing/proxy/chaos-proxy.ts';

/** Times in milliseconds. */
export interface Recovery {
  readonly cuts: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly halfOpens: number;
  /** Beyond the heartbeat timeout: what the last ask, the redial and the resume add to it. */
  readonly halfOpenBeyondTimeoutP50Ms: number;
  readonly halfOpenBeyondTimeoutMaxMs: number;
}

type Ticks = { server: { events: { tick: [] } }; client: { events: {} } };

/** Both counts in a row; cuts with default options, half-open lines with this heartbeat so that it does not take minutes. */
const heartbeat = { intervalMs: 100, timeoutMs: 300 };

/** Measures both kinds of faults; each comes while the line is idle and everything is acknowledged. */
export async function measureRecovery(cuts = 400, halfOpens = 15): Promise<Recovery> {
  const kinds = ['reset', 'finish'] as const;
  const afterCut = await recoveries(cuts, {}, (proxy, index) => proxy.cut(kinds[index % 2]));
  const afterHole = await recoveries(halfOpens, { heartbeat }, (proxy) => proxy.blackHole());
  return {
    cuts,
    p50Ms: percentile(afterCut, 0.5),
    p90Ms: percentile(afterCut, 0.9),
    p99Ms: percentile(afterCut, 0.99),
    maxMs: percentile(afterCut, 1),
    halfOpens,
    halfOpenBeyondTimeoutP50Ms: percentile(afterHole, 0.5) - heartbeat.timeoutMs,
    halfOpenBeyondTimeoutMaxMs: percentile(afterHole, 1) - heartbeat.timeoutMs,
  };
}

async function recoveries(
  count: number,
  options: { readonly heartbeat?: typeof heartbeat },
  fault: (proxy: ChaosProxy, index: number) => void,
): Promise<readonly number[]> {
  let processed = (): void => {};
  await using server = createServer<Ticks>((session) => session.on('tick', () => processed()), options);
  const { port } = await server.listen(0);
  await using proxy = await openProxy({ targetPort: port });
  await using client = createClient<Ticks>(proxy.port, options);
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    await client.deliver('tick');
    const arrived = new Promise<void>((resolve) => (processed = resolve));
    const faultAt = performance.now();
    fault(proxy, index);
    client.send('tick');
    await arrived;
    times.push(performance.now() - faultAt);
  }
  return times;
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

if (import.meta.main) {
  const { cuts, p50Ms, p90Ms, p99Ms, maxMs, ...hole } = await measureRecovery();
  const show = (ms: number): string => `${ms.toFixed(1)} ms`;
  console.log(
    `recovery after ${cuts} cuts: p50 ${show(p50Ms)}  p90 ${show(p90Ms)}  p99 ${show(p99Ms)}  max ${show(maxMs)}`,
  );
  console.log(
    `recovery after ${hole.halfOpens} half-open lines, beyond the heartbeat timeout of ${heartbeat.timeoutMs} ms: ` +
      `p50 ${show(hole.halfOpenBeyondTimeoutP50Ms)}  max ${show(hole.halfOpenBeyondTimeoutMaxMs)}`,
  );
}
