/** `homing doctor`: whether this machine can run Homing, one line a check, printed as it is known. */
import { availableParallelism } from 'node:os';
import { styleText } from 'node:util';
import type { Address } from './address.ts';
import * as judgements from './judgements.ts';
import { nodeNeeded } from './manifest.ts';
import * as probes from './probes.ts';

/** What may be asked beyond the usual. */
export interface DoctorOptions {
  /** Is this port of loopback free? */
  readonly port?: number;
  /** Does somebody take TCP connections there? */
  readonly connect?: Address;
  /** One JSON object at the end instead of lines. */
  readonly json?: boolean;
}

/** Runs all checks and prints what they found. Resolves to the exit code: 1 if one of them failed, else 0. */
export async function doctor(options: DoctorOptions): Promise<number> {
  const findings: judgements.Finding[] = [];
  for await (const finding of examine(options)) {
    findings.push(finding);
    if (options.json !== true) process.stdout.write(`${lineOf(finding)}\n`);
  }
  const status = judgements.worstOf(findings);
  if (options.json === true) process.stdout.write(`${JSON.stringify({ status, findings }, undefined, 2)}\n`);
  return status === 'fail' ? 1 : 0;
}

async function* examine({ port, connect }: DoctorOptions): AsyncGenerator<judgements.Finding> {
  yield judgements.judgeNode(process.versions.node, nodeNeeded);
  yield judgements.judgeOpenFiles(probes.openFileLimit());
  yield judgements.judgeListen(await probes.listenAtPort(0));
  yield judgements.judgeLoopback(await probes.echoOverLoopback());
  yield judgements.judgeHandOver(await probes.handOver());
  yield judgements.judgePath(await probes.listenAtPath());
  yield judgements.judgeThreads(availableParallelism());
  yield judgements.judgeLoop(await probes.sampleLoopDelay());
  if (port !== undefined) yield judgements.judgePort(port, await probes.listenAtPort(port));
  if (connect !== undefined) yield judgements.judgeConnect(connect, await probes.connectTo(connect));
}

const colors = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

function lineOf({ status, check, found, advice }: judgements.Finding): string {
  const painted = styleText(colors[status], status.padEnd(4), { stream: process.stdout });
  return `${painted}  ${check.padEnd(10)}  ${found}${advice === undefined ? '' : `; ${advice}`}`;
}
