/** A behavior with tasks of every kind, none of them for its own sake. */
import { threadId } from 'node:worker_threads';
import { defineBehavior } from 'homing';
import { sitInNativeCode } from './native.ts';
import { holdUntil, raise } from './raised.ts';

/** Loaded once in a thread, whatever the number of tasks. */
let taskCount = 0;

export default defineBehavior({
  module: import.meta.url,
  tasks: {
    square: (input: number) => input * input,
    later: async (input: string) => Promise.resolve(`${input} later`),
    whereAmI: () => {
      taskCount += 1;
      return { thread: threadId, taskCount };
    },
    hold({ begun, release }: { begun: Int32Array; release: Int32Array }) {
      raise(begun);
      holdUntil(release);
    },
    spin(begun: Int32Array) {
      raise(begun);
      for (;;);
    },
    sit: (tcpPort: number) => sitInNativeCode(tcpPort),
    throwCoded() {
      throw Object.assign(new RangeError('no such row'), { code: 'E_ROW' });
    },
    throwOwn() {
      class PaymentRefused extends Error {
        override readonly name = 'PaymentRefused';
      }
      throw new PaymentRefused('the card is empty');
    },
    throwNothing() {
      // oxlint-disable-next-line typescript/only-throw-error -- a user's code may do this
      throw null;
    },
    exit: (code: number) => process.exit(code),
    throwAside() {
      setTimeout(() => {
        throw new TypeError('beside the task');
      });
      return new Promise(() => {});
    },
    giveFunction: () => ({ deep: [() => 1] }),
  },
  start() {},
});
