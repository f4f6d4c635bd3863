/** A task that returns: answers, waits for a release, runs without end, or ends its thread. */
import { threadId } from 'node:worker_threads';
import { sitInNativeCode } from './native.ts';
import { holdUntil, raise } from './raised.ts';

/** What to do; `begun` is raised when the task runs. */
export type WorkOrder =
  | { readonly type: 'echo'; readonly value?: unknown }
  | { readonly type: 'hold'; readonly begun: Int32Array; readonly release: Int32Array }
  | { readonly type: 'spin'; readonly begun: Int32Array }
  | { readonly type: 'sit'; readonly tcpPort: number }
  | { readonly type: 'throw' | 'grow' | 'throw-aside' }
  | { readonly type: 'exit'; readonly code: number };

/** Who did it, and the value of an `echo`. */
export interface Done {
  readonly thread: number;
  readonly value?: unknown;
}

// oxlint-disable-next-line import/no-default-export -- the pool calls the default export
export default function work(order: WorkOrder): Done | Promise<never> {
  switch (order.type) {
    case 'echo':
      return { thread: threadId, value: order.value };
    case 'hold':
      raise(order.begun);
      holdUntil(order.release);
      break;
    case 'spin':
      raise(order.begun);
      for (;;);
    case 'sit':
      sitInNativeCode(order.tcpPort);
      break;
    case 'throw':
      throw new RangeError('from the task');
    case 'throw-aside':
      setTimeout(() => {
        throw new TypeError('beside the task');
      });
      return new Promise(() => {});
    case 'grow': {
      const rows: number[][] = [];
      for (;;) rows.push(Array.from({ length: 1_000 }, (_, index) => index + 0.5));
    }
    case 'exit':
      return process.exit(order.code);
  }
  return { thread: threadId };
}
