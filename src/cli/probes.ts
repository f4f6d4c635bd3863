/**
 * What the doctor tries on this machine, each with a deadline and with nothing left behind. Whether an outcome is good is
 * not decided here but in `judgements.ts`.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type ListenOptions, type Server, type Socket, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, type Transferable, Worker } from 'node:worker_threads';
import type { Address } from './address.ts';
import type { OpenFiles, Outcome } from './judgements.ts';

const LOOPBACK = '127.0.0.1';
const PROBE_MS = 5_000;
const LOOP_TICKS = 50;
const LOOP_TICK_MS = 10;

/** How many files this process may have open; undefined where the system does not say. */
export function openFileLimit(): OpenFiles | undefined {
  const { userLimits } = process.report.getReport() as {
    readonly userLimits?: { readonly open_files?: { readonly soft: OpenFiles } };
  };
  return userLimits?.open_files?.soft;
}

/** Listens at a port of loopback, 0 for a free one, and stops. */
export function listenAtPort(port: number): Promise<Outcome> {
  return attempt(async (signal) => {
    await using _ = await listening(createServer(), { at: { host: LOOPBACK, port }, signal });
  });
}

/** Listens at a path in a new folder for temporary files, and stops. On Windows the path is a named pipe. */
export function listenAtPath(): Promise<Outcome> {
  return attempt(async (signal) => {
    const folder = await mkdtemp(join(tmpdir(), 'homing-'));
    try {
      const path = process.platform === 'win32' ? `\\\\.\\pipe\\homing-${process.pid}` : join(folder, 'socket');
      await using _ = await listening(createServer(), { at: { path }, signal });
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

/** Sends a byte to a server on loopback and waits for it to come back. */
export function echoOverLoopback(): Promise<Outcome> {
  return attempt(async (signal) => {
    const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    await using server = await listening(echo, { at: { host: LOOPBACK, port: 0 }, signal });
    await dialling(addressOf(server), async (socket) => {
      socket.write('.');
      await once(socket, 'data', { signal });
    });
  });
}

/** Accepts a connection here, moves its socket to a worker thread and waits for what that thread writes into it. */
export function handOver(): Promise<Outcome> {
  return attempt(async (signal) => {
    await using worker = new Worker(new URL(`./receiver${extname(import.meta.url)}`, import.meta.url));
    const refused = Promise.withResolvers<never>();
    refused.promise.catch(() => {}); // may come before anybody waits for it
    worker.once('error', refused.reject);
    const { port1, port2 } = new MessageChannel();
    worker.postMessage(port2, [port2]);
    const dealing = createServer({ pauseOnConnect: true }, (accepted) => {
      try {
        // The types of Node do not know yet that a socket can be moved.
        port1.postMessage(accepted, [accepted as unknown as Transferable]);
      } catch (error) {
        accepted.destroy();
        refused.reject(error);
      }
    });
    await using server = await listening(dealing, { at: { host: LOOPBACK, port: 0 }, signal });
    await dialling(addressOf(server), async (socket) => {
      const [said] = (await Promise.race([once(socket, 'data', { signal }), refused.promise])) as [Buffer];
      if (said.toString() === String(worker.threadId)) return;
      throw new Error(`expected thread ${worker.threadId} to answer, got '${said.toString()}'`);
    });
  });
}

/** Opens a TCP connection and closes it without having sent anything. */
export function connectTo(address: Address): Promise<Outcome> {
  return attempt(async (signal) => {
    await dialling(address, (socket) => once(socket, 'connect', { signal }));
  });
}

/** By how many milliseconds a timer was late at most, in the course of half a second in which nothing is done here. */
export async function sampleLoopDelay(): Promise<number> {
  let worstMs = 0;
  let lastMs = performance.now();
  for (let tick = 0; tick < LOOP_TICKS; tick += 1) {
    await sleep(LOOP_TICK_MS);
    const nowMs = performance.now();
    worstMs = Math.max(worstMs, nowMs - lastMs - LOOP_TICK_MS);
    lastMs = nowMs;
  }
  return worstMs;
}

/** Does something that stops when its signal aborts, which it does after `deadlineMs`. Never rejects. */
export async function attempt(
  work: (signal: AbortSignal) => Promise<void>,
  deadlineMs: number = PROBE_MS,
): Promise<Outcome> {
  const deadline = new AbortController();
  const alarm = setTimeout(() => deadline.abort(), deadlineMs);
  const beganMs = performance.now();
  try {
    await work(deadline.signal);
    return { type: 'done', tookMs: performance.now() - beganMs };
  } catch (error) {
    if (deadline.signal.aborted)
      return { type: 'failed', code: 'ETIMEDOUT', sentence: `nothing came within ${deadlineMs / 1_000} s` };
    return { type: 'failed', code: (error as NodeJS.ErrnoException).code ?? '', sentence: sentenceOf(error) };
  } finally {
    clearTimeout(alarm);
  }
}

/** What an error says; a name with several addresses gives an error without words around one for each. */
function sentenceOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(sentenceOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}

async function listening(
  server: Server,
  { at, signal }: { readonly at: ListenOptions; readonly signal: AbortSignal },
): Promise<Server> {
  server.listen(at);
  await once(server, 'listening', { signal });
  return server;
}

async function dialling(address: Address, use: (socket: Socket) => Promise<unknown>): Promise<void> {
  const socket = connect(address);
  try {
    await use(socket);
  } finally {
    socket.destroy();
  }
}

function addressOf(server: Server): Address {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`expected a port, got ${String(address)}`);
  return { host: LOOPBACK, port: address.port };
}
