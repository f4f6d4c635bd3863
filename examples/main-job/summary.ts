/** What is printed before, while (without a terminal) and after a run: options, progress, numbers, digests, verdict. */
import type { FileFacts } from './file-facts.ts';
import type { JobOptions } from './options.ts';
import { type Row, type Span, counted, grouped, sized } from './paint.ts';
import { backoff, handshakeMs, heartbeat, serverShards } from './reports.ts';
import { type Tally, percentile } from './tally.ts';
import { verdictOf } from './verdict.ts';

/** What a run is made with. */
export function titleRow(file: FileFacts): Row {
  return [
    ['HOMING', 'bold'],
    [' main job   ', 'dim'],
    [file.name],
    [`  ${counted(file.lines, 'line')}, ${grouped(file.bytes)} bytes`, 'dim'],
  ];
}

/** Every option that shapes a run. */
export function optionRows(options: JobOptions): readonly Row[] {
  const { seed, cuts, seconds, bytesPerSecond, inspectPort } = options;
  const { firstMs, baseMs, maxMs } = backoff;
  return [
    pair('line', `seed ${seed}, ${grouped(cuts)} cuts wanted, left alone after ${seconds} s at the latest`),
    pair('threads', `${serverShards} shards at the server, the client dials from a shard of its own`),
    pair('pace', `${sized(bytesPerSecond)}/s while it is cut, the file over and over; then full speed`),
    pair(
      'heartbeat',
      `every ${heartbeat.intervalMs} ms, dead after ${heartbeat.timeoutMs} ms; handshake ${handshakeMs} ms`,
    ),
    ...(inspectPort === 0
      ? []
      : [
          pair('inspector', `of the client at http://127.0.0.1:${inspectPort}/`),
          pair('', `of the server at http://127.0.0.1:${inspectPort + 1}/, until Ctrl+C`),
        ]),
    pair('backoff', `first within ${firstMs} ms, then full jitter from ${baseMs} ms, doubling to ${maxMs} ms`),
  ];
}

/** One line of progress. */
export function progressRow(tally: Tally): Row {
  const { elapsedMs, sent, delivered, resent, counts, resumes, state } = tally;
  const seconds = `${(elapsedMs / 1_000).toFixed(1).padStart(5)} s`;
  const parts = [
    `sent ${grouped(sent.lines)}`,
    `delivered ${grouped(delivered.lines)}`,
    `resent ${grouped(resent)}`,
    `cuts ${counts?.cuts ?? 0}`,
    `resumes ${resumes}`,
    state,
  ];
  return [[`${seconds}  `, 'dim'], [parts.join('  ')]];
}

/** The end of a run that came to its end. */
export function summaryRows(tally: Tally): readonly Row[] {
  const { file, sent, delivered, digests, counts, options, resumes, relayed, resent, elapsedMs, stormMs, recoveries } =
    tally;
  const verdict = verdictOf(file, sent, delivered, digests);
  const { cuts = 0, resets = 0, finishes = 0, blackHoles = 0, turnedAway = 0, refusals = 0, stalls = 0 } = counts ?? {};
  const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
  const short = cuts < options.cuts ? `, fewer than the ${grouped(options.cuts)} wanted` : '';
  return [
    pair(
      'sent',
      `${counted(sent.lines, 'line')}, ${sized(sent.bytes)}: the file ${counted(sent.passes, 'time')} in ${seconds(elapsedMs)}`,
    ),
    pair('delivered', `${counted(delivered.lines, 'line')}, ${sized(delivered.bytes)}`),
    pair('resent', `${counted(resent, 'message')} went over the line again, as its frames show`),
    pair(
      'cuts',
      `${grouped(cuts)} in ${seconds(stormMs)}${short}: ${resets} reset, ${finishes} hung up, ${blackHoles} half-open`,
    ),
    pair(
      '',
      `and ${counted(turnedAway, 'dial')} turned away, nobody listening ${counted(refusals, 'time')}, ${counted(stalls, 'stall')}`,
    ),
    pair(
      'resumes',
      `${grouped(resumes)}; ${counted(relayed, 'connection')} landed on the other shard and went home by relay`,
    ),
    pair('recovery', `${spread(recoveries.afterCut)} by cuts and refused dials`),
    pair('', `${spread(recoveries.afterHole)} by half-open lines`),
    [],
    [['sha-256 on disk, and of what the server processed', 'dim']],
    [[file.digest]],
    [[verdict.digest, verdict.digest === file.digest ? 'plain' : 'red']],
    [],
    [[`${verdict.isGood ? '✔' : '✘'} ${verdict.sentence}`, verdict.isGood ? 'green' : 'red']],
  ];
}

function spread(values: readonly number[]): string {
  const show = (share: number): string => `${percentile(values, share)?.toFixed(1) ?? ''} ms`;
  return values.length === 0
    ? 'no outage'
    : `p50 ${show(0.5)}, p99 ${show(0.99)} over ${counted(values.length, 'outage')}`;
}

function pair(name: string, words: string): Row {
  return [[name.padEnd(11), 'dim'], [words]] satisfies Span[];
}
