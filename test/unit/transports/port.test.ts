import { MessageChannel, Worker } from 'node:worker_threads';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import type { Pipe, PipeEvents, PipeMessage } from '../../../src/actors/ports.ts';
import { portPipe } from '../../../src/transports/port.ts';
import { nextTick, until } from '../../loopback/world.ts';

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  for (const pipe of opened.splice(0)) await pipe.close();
});

/** Writes down what a pipe tells. */
function listener() {
  const told: (PipeMessage | 'closed')[] = [];
  const events: PipeEvents = { received: (message) => void told.push(message), closed: () => void told.push('closed') };
  return { told, events };
}

/** Both ends of a pipe in this thread, open. */
function pair() {
  const { port1, port2 } = new MessageChannel();
  const [near, far] = [portPipe(port1), portPipe(port2)];
  opened.push(near, far);
  const [nearEar, farEar] = [listener(), listener()];
  near.open(nearEar.events);
  far.open(farEar.events);
  return { near, far, nearTold: nearEar.told, farTold: farEar.told, port1 };
}

/** A thread that holds the other end and runs this code with `port`. */
function threadWith(code: string): { pipe: Pipe; told: (PipeMessage | 'closed')[]; worker: Worker } {
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(`const { port } = require('node:worker_threads').workerData; ${code}`, {
    eval: true,
    workerData: { port: port2 },
    transferList: [port2],
  });
  const pipe = portPipe(port1);
  opened.push(pipe, { close: () => worker.terminate() });
  const { told, events } = listener();
  pipe.open(events);
  return { pipe, told, worker };
}

test('carries bytes, numbers and goodbyes in order', async () => {
  const { near, farTold } = pair();
  near.post(new Uint8Array([1, 2, 3]));
  near.post(70_000);
  near.post('end');
  expect(farTold).toEqual([]);
  await until(() => farTold.length === 3, 'three messages');
  expect(farTold).toEqual([new Uint8Array([1, 2, 3]), 70_000, 'end']);
});

test('moves the buffers of bytes instead of copying them', () => {
  const { near } = pair();
  const bytes = new Uint8Array(1_000);
  near.post(bytes);
  expect(bytes.length).toBe(0);
});

test('delivers what was posted before a close, then tells the other end once', async () => {
  const { near, nearTold, farTold, port1 } = pair();
  const gone = once(port1, 'close');
  for (let index = 0; index < 3_000; index += 1) near.post(new Uint8Array(100));
  near.post('end');
  near.close();
  near.close();
  near.post('end');
  near.ref(true);
  await until(() => farTold.includes('closed'), 'the close');
  await gone;
  await nextTick();
  expect(farTold).toHaveLength(3_002);
  expect(farTold.slice(-2)).toEqual(['end', 'closed']);
  expect(nearTold).toEqual([]);
});

test('hears nothing after its own close, also in the middle of messages that are there', async () => {
  const { near, far, nearTold, farTold } = pair();
  const { port1, port2 } = new MessageChannel();
  const [one, other] = [portPipe(port1), portPipe(port2)];
  opened.push(one, other);
  const heard: PipeMessage[] = [];
  other.open({
    received: (message) => {
      heard.push(message);
      other.close();
    },
    closed: () => void heard.push('end'),
  });
  one.open(listener().events);
  for (let count = 1; count <= 5; count += 1) one.post(count);
  await until(() => heard.length > 0, 'the first message');
  near.post(1);
  await until(() => farTold.length === 1, 'another pipe to have had its turn');
  far.post(1);
  await until(() => nearTold.length === 1, 'and back');
  expect(heard).toEqual([1]);
});

test('exchanges bytes with another thread, and hears the close when that thread ends itself', async () => {
  const { pipe, told } = threadWith(`port.on('message', (bytes) => {
    port.postMessage(bytes, [bytes.buffer]);
    port.postMessage('end');
    port.close();
  });`);
  pipe.post(new Uint8Array([7, 8, 9]));
  await until(() => told.includes('closed'), 'the close');
  expect(told).toEqual([new Uint8Array([7, 8, 9]), 'end', 'closed']);
});

test('hears the close when the other thread is terminated while it hangs', async () => {
  const { told, worker } = threadWith(`port.postMessage(1); for (;;);`);
  await until(() => told.length === 1, 'the thread to run');
  await worker.terminate();
  await until(() => told.length === 2, 'the close');
  expect(told).toEqual([1, 'closed']);
});

test('keeps the thread alive from its opening on, unless told otherwise', () => {
  const { port1, port2 } = new MessageChannel();
  const [near, far] = [portPipe(port1), portPipe(port2)];
  opened.push(near, far);
  far.ref(false);
  near.open(listener().events);
  far.open(listener().events);
  expect([port1.hasRef(), port2.hasRef()]).toEqual([true, false]);
  near.ref(false);
  far.ref(true);
  expect([port1.hasRef(), port2.hasRef()]).toEqual([false, true]);
});
