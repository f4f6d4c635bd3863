/**
 * What a benchmark asks of its shards from inside: each thread that has loaded a behavior of the benchmark obeys orders
 * on a channel of the process. Nobody else speaks there, so it costs the measured code nothing.
 */
import { Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, threadId } from 'node:worker_threads';

/** Told to every shard. */
export type Inner = 'weigh' | 'cut' | 'count-sockets';

/** Bytes of one thread after a forced collection: of its own heap, and of what lies outside of it. */
export interface Weight {
  readonly heap: number;
  readonly buffers: number;
}

/** What a shard answers. */
export interface InnerAnswer {
  readonly thread: number;
  readonly value: Weight | number;
}

const CHANNEL = 'homing.bench';

/** A behavior calls this once: from then on its thread obeys. */
export function obey(): void {
  const channel = openChannel();
  channel.onmessage = (event) => {
    const { data: order } = event as { readonly data: Inner | InnerAnswer };
    if (typeof order === 'string') channel.postMessage({ thread: threadId, value: execute(order) });
  };
}

/** Tells every shard; their answers in the order of their threads. Call it where no shard runs. */
export async function tellShards(order: Inner, shards: number): Promise<readonly InnerAnswer[]> {
  const channel = openChannel();
  const answers: InnerAnswer[] = [];
  await new Promise<void>((resolve) => {
    channel.onmessage = (event) => {
      answers.push((event as { readonly data: InnerAnswer }).data);
      if (answers.length === shards) resolve();
    };
    channel.postMessage(order);
  });
  channel.close();
  return answers.toSorted((one, other) => one.thread - other.thread);
}

/** What this thread holds after everything that nobody needs is gone. */
export function weigh(): Weight {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  // Finalizers of the first run let go of more.
  for (let turn = 0; turn < 3; turn += 1) collect();
  // What Node calls external has the array buffers in it.
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, buffers: external };
}

/** How many TCP connections this thread holds. */
export function countSockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
}

function execute(order: Inner): Weight | number {
  switch (order) {
    case 'weigh':
      return weigh();
    case 'count-sockets':
      return countSockets();
    case 'cut':
      return cut();
  }
}

/** Resets every connection of this thread; how many there were. */
function cut(): number {
  const sockets = openSockets();
  for (const socket of sockets) socket.resetAndDestroy();
  return sockets.length;
}

/** A program is never told of the sockets under its sessions: Node's own list has them. */
function openSockets(): Socket[] {
  const listing = process as unknown as { _getActiveHandles(): readonly object[] };
  return listing._getActiveHandles().filter((one) => one instanceof Socket);
}

function openChannel(): BroadcastChannel {
  const channel = new BroadcastChannel(CHANNEL);
  channel.unref();
  return channel;
}
