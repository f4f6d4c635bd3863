/**
 * What the doctor makes of what was found, as pure functions. `fail` is for what no program with Homing can do without,
 * `warn` for what some can; either says what to do.
 */
import { type Address, writtenAddress } from './address.ts';

/** How one check ended, in one line each. */
export interface Finding {
  readonly status: 'ok' | 'warn' | 'fail';
  /** What was checked. */
  readonly check: string;
  readonly found: string;
  /** What to do; only beside `warn` and `fail`. */
  readonly advice?: string;
}

/** How a probe ended: after so many milliseconds, or with the code and sentence of an error. */
export type Outcome =
  | { readonly type: 'done'; readonly tookMs: number }
  | { readonly type: 'failed'; readonly code: string; readonly sentence: string };

/** A limit of open files. */
export type OpenFiles = number | 'unlimited';

/** Judges the version of Node, `24.21.0`, against the one needed, `24.20`. */
export function judgeNode(version: string, needed: string): Finding {
  const [major = 0, minor = 0] = numbersIn(version);
  const [majorNeeded = 0, minorNeeded = 0] = numbersIn(needed);
  const found = `${version}, needed is ${needed} or later`;
  return major > majorNeeded || (major === majorNeeded && minor >= minorNeeded)
    ? { status: 'ok', check: 'node', found }
    : { status: 'fail', check: 'node', found, advice: 'nvm install 24, or npx -p node@24' };
}

/** Files that a process has open beside its connections: libraries, pipes, listeners, event loops of threads. */
const OTHER_FILES = 100;
const CONNECTIONS_FEW = 4_000;
const CONNECTIONS_TOO_FEW = 100;

/** Judges how many connections a process can hold. Node has raised the soft limit to the hard one when it began. */
export function judgeOpenFiles(limit: OpenFiles | undefined): Finding {
  const check = 'open files';
  if (limit === undefined) return { status: 'ok', check, found: 'this system tells of no limit' };
  if (limit === 'unlimited') return { status: 'ok', check, found: 'without limit' };
  const connections = Math.max(0, limit - OTHER_FILES);
  const found = `${limit.toLocaleString('en')}, enough for about ${connections.toLocaleString('en')} connections in one process`;
  if (connections >= CONNECTIONS_FEW) return { status: 'ok', check, found };
  const advice = 'raise the hard limit (ulimit -Hn, LimitNOFILE of systemd, --ulimit nofile of a container)';
  return { status: connections < CONNECTIONS_TOO_FEW ? 'fail' : 'warn', check, found, advice };
}

/** Judges whether a free port of loopback could be listened at. */
export function judgeListen(outcome: Outcome): Finding {
  const advice = 'let this process open sockets: look for a sandbox or a container without loopback';
  return judged(outcome, { check: 'listen', good: 'a free port of loopback can be listened at', advice });
}

/** Judges whether bytes went over loopback and back. */
export function judgeLoopback(outcome: Outcome): Finding {
  const advice = 'let processes connect to 127.0.0.1: look for a firewall or a sandbox';
  return judged(outcome, {
    check: 'loopback',
    good: `a TCP connection carries bytes both ways${took(outcome)}`,
    advice,
  });
}

/** Judges whether a socket moved to a worker thread, which a server with shards does with each. */
export function judgeHandOver(outcome: Outcome): Finding {
  const advice = 'give shards: 0 to servers, and please report this';
  return judged(outcome, {
    check: 'hand-over',
    good: `an accepted socket moves to a worker thread and is answered there${took(outcome)}`,
    advice,
  });
}

/** Judges whether a Unix path could be listened at. Only `listen(path)` needs that. */
export function judgePath(outcome: Outcome): Finding {
  const advice = 'only listen(path) needs this: set TMPDIR to a short path that can be written to, or use ports';
  const finding = judged(outcome, {
    check: 'unix path',
    good: 'a path for temporary files can be listened at',
    advice,
  });
  return finding.status === 'ok' ? finding : { ...finding, status: 'warn' };
}

/** Judges how many threads can run at once. */
export function judgeThreads(parallelism: number): Finding {
  const check = 'threads';
  if (parallelism > 1) return { status: 'ok', check, found: `${parallelism} can run at once` };
  const advice = 'shards keep their sessions apart, but will not be faster than shards: 0';
  return { status: 'warn', check, found: '1 can run at once', advice };
}

const LOOP_DELAY_MUCH_MS = 100;

/** Judges by how much the timers of an idle event loop were late at most. */
export function judgeLoop(lateMs: number): Finding {
  const check = 'event loop';
  const found = `late by ${lateMs.toFixed(1)} ms at most in half a second of rest`;
  if (lateMs < LOOP_DELAY_MUCH_MS) return { status: 'ok', check, found };
  return { status: 'warn', check, found, advice: 'something else takes the processor: heartbeats will be late' };
}

/** Judges whether this port of loopback is free. */
export function judgePort(port: number, outcome: Outcome): Finding {
  const good = `${port} is free`;
  return judged(outcome, { check: 'port', good, advice: portAdvice(outcome, port) });
}

/** Judges whether a TCP connection to this address could be opened. Who answers there is not known. */
export function judgeConnect(address: Address, outcome: Outcome): Finding {
  const good = `${writtenAddress(address)} took a TCP connection${took(outcome)}`;
  return judged(outcome, { check: 'connect', good, advice: connectAdvice(outcome, address) });
}

/** The worst of all. */
export function worstOf(findings: readonly Finding[]): Finding['status'] {
  if (findings.some(({ status }) => status === 'fail')) return 'fail';
  return findings.some(({ status }) => status === 'warn') ? 'warn' : 'ok';
}

function judged(
  outcome: Outcome,
  { check, good, advice }: { readonly check: string; readonly good: string; readonly advice: string },
): Finding {
  return outcome.type === 'done'
    ? { status: 'ok', check, found: good }
    : { status: 'fail', check, found: outcome.sentence, advice };
}

function took(outcome: Outcome): string {
  return outcome.type === 'done' ? `, in ${outcome.tookMs.toFixed(1)} ms` : '';
}

function portAdvice(outcome: Outcome, port: number): string {
  const code = outcome.type === 'failed' ? outcome.code : '';
  if (code === 'EADDRINUSE') return 'end the process that listens there, or take another port';
  if (code === 'EACCES') return `take a port from 1024, or let this user listen at ${port}`;
  return 'take another port';
}

function connectAdvice(outcome: Outcome, { host, port }: Address): string {
  const code = outcome.type === 'failed' ? outcome.code : '';
  if (code === 'ECONNREFUSED') return `start the server, and see that it listens at ${port} of that host`;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `look for a misspelt name, or for the DNS: no address of ${host} came`;
  return 'look for a firewall in between, and whether the host is up';
}

function numbersIn(version: string): readonly number[] {
  return version.split('.').map((part) => Number.parseInt(part, 10));
}
