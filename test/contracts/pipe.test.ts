// Every kind of pipe that there is, between real threads and between simulated ones, by one contract.
import { MessageChannel, Worker } from 'node:worker_threads';
import { type PipeAdapter, contracts } from 'homing/testing';
import { afterAll, describe, test } from 'vitest';
import { portPipe } from '../../src/transports/port.ts';
import { simulatedPipes } from './simulated.ts';

const messagePorts: PipeAdapter = {
  pair() {
    const { port1, port2 } = new MessageChannel();
    return {
      near: portPipe(port1),
      far: portPipe(port2),
      vanish: () => port1.close(),
      async [Symbol.asyncDispose]() {
        port1.close();
        port2.close();
        await Promise.resolve();
      },
    };
  },
};

/** A thread that passes on what comes out of one port into another, and ends when it is told to. */
const passingOn = `
  const { parentPort } = require('node:worker_threads');
  parentPort.on('message', ({ ports }) => {
    const pass = (from, to) => {
      from.on('message', (message) => to.postMessage(message, typeof message === 'object' ? [message.buffer] : []));
      from.on('close', () => to.close());
    };
    pass(ports[0], ports[1]);
    pass(ports[1], ports[0]);
  });
`;

const workers = new Set<Worker>();
let spare: Worker | undefined;

/** Both ends lie here, and all that crosses goes through a thread that may be terminated. */
const throughThread: PipeAdapter = {
  pair() {
    const worker = spare ?? new Worker(passingOn, { eval: true });
    spare = worker;
    workers.add(worker);
    const [here, there] = [new MessageChannel(), new MessageChannel()];
    worker.postMessage({ ports: [here.port2, there.port1] }, [here.port2, there.port1]);
    return {
      near: portPipe(here.port1),
      far: portPipe(there.port2),
      vanish() {
        spare = undefined;
        void worker.terminate();
      },
      async [Symbol.asyncDispose]() {
        here.port1.close();
        there.port2.close();
        await Promise.resolve();
      },
    };
  },
};

afterAll(() => Promise.all(Array.from(workers, (worker) => worker.terminate())));

const adapters: Readonly<Record<string, PipeAdapter>> = {
  'message ports': messagePorts,
  'message ports with a thread between them': throughThread,
  'simulated threads': simulatedPipes(10),
};

describe.each(Object.entries(adapters))('over %s,', (_, adapter) => {
  for (const { title, run } of contracts.pipe(adapter)) test(title, run);
});
