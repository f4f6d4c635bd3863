/**
 * The conductor: starts the server process, the proxy and the client process, lets the storm pass, collects what both
 * ends say, and ends whatever it started. The views only look at its tally.
 */
import { type ChaosProxy, openProxy } from '#testing/proxy/chaos-proxy';
import { storm } from '#testing/proxy/storm';
import type { FileFacts } from './file-facts.ts';
import type { JobOptions } from './options.ts';
import { Processes } from './processes.ts';
import { type ClientReport, type ServerReport, nowMs } from './reports.ts';
import { ResendWatch } from './resend-watch.ts';
import { PULSE_MS, Tally } from './tally.ts';

/** Bytes that pass before a fault, at most: the client's pace makes that a tenth of a second or so. */
const weather = { upBytesMax: 24_000, downBytesMax: 900, stallMsMax: 120, refuseMsMax: 40, latencyMsMax: 4 };

/** Ships the file. Resolves when both ends have given their last report; rejects when a process dies or `signal` aborts. */
export async function runJob(
  options: JobOptions,
  file: FileFacts,
  { signal, begun }: { signal: AbortSignal; begun: (tally: Tally) => void },
): Promise<Tally> {
  const tally = new Tally(options, file, nowMs());
  const resends = new ResendWatch();
  const { promise, resolve, reject } = Promise.withResolvers<Tally>();
  signal.addEventListener('abort', () => reject(new Error('interrupted')), { once: true });
  await using processes = new Processes(reject);
  begun(tally);

  const listening = Promise.withResolvers<number>();
  processes.start('server', [options.sabotage ? 'sabotage' : ''], (message: ServerReport) => {
    if (message.type === 'listening') listening.resolve(message.port);
    else if (message.type === 'recovered') tally.recovered(message.atMs);
    else if (message.type === 'relayed') tally.relayed = message.count;
    else {
      tally.delivered = message.volume;
      if (message.type === 'final') resolve(finished(tally, message));
    }
  });
  const targetPort = await Promise.race([listening.promise, promise.then(() => 0)]);

  await using proxy = await openProxy({
    targetPort,
    plan: options.cuts > 0 ? storm({ seed: options.seed, ...weather }) : undefined,
    told: (event) => tally.proxyDid(event, nowMs()),
    seen: (direction, chunk, connection) => {
      if (direction === 'up') resends.follow(connection, chunk);
    },
  });
  tally.startedMs = nowMs();
  const client = [String(proxy.port), file.path, String(options.bytesPerSecond)];
  processes.start('client', client, (message: ClientReport) => {
    tally.clientSaid(message, nowMs());
    if (message.type === 'lost') reject(new Error(message.sentence));
    if (message.type === 'done') processes.tell('server', 'finish');
  });
  const looking = setInterval(() => look(tally, proxy, processes), 10);
  const pulsing = setInterval(() => tally.pulse(), PULSE_MS);
  try {
    return await promise;
  } finally {
    clearInterval(looking);
    clearInterval(pulsing);
    tally.resent = resends.resentCount;
  }

  function look(seen: Tally, line: ChaosProxy, told: Processes): void {
    seen.counts = line.counts;
    seen.resent = resends.resentCount;
    seen.elapsedMs = nowMs() - seen.startedMs;
    if (seen.phase !== 'storm') return;
    seen.stormMs = seen.elapsedMs;
    if (line.counts.cuts < options.cuts && seen.elapsedMs < options.seconds * 1_000) return;
    seen.phase = 'calm';
    seen.note(nowMs(), 'word', 'the line is left alone from now on');
    void line.heal();
    told.tell('client', 'calm');
  }
}

function finished(tally: Tally, final: Extract<ServerReport, { type: 'final' }>): Tally {
  tally.phase = 'over';
  tally.digests = final.digests;
  tally.elapsedMs = nowMs() - tally.startedMs;
  return tally;
}
