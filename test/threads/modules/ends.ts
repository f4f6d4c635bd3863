/** A thread's task that ends in every way a thread can end, or says through its port who it is and stays. */
import { type MessagePort, threadId } from 'node:worker_threads';
import { sitInNativeCode } from './native.ts';

/** What the thread shall do, and where it says that it has begun. */
export interface EndOrder {
  readonly way:
    | 'stay'
    | 'throw'
    | 'throw-null'
    | 'throw-in-timer'
    | 'throw-text-in-timer'
    | 'reject'
    | 'exit'
    | 'grow'
    | 'return'
    | 'spin'
    | 'match'
    | 'sit'
    | 'exit-in-timer';
  readonly code?: number;
  /** Where `sit` is let go. */
  readonly tcpPort?: number;
  readonly port?: MessagePort;
}

/** What a thread says first. */
export interface Greeting {
  readonly thread: number;
  /** Where the package itself is found from here. */
  readonly homing: string;
}

// oxlint-disable-next-line import/no-default-export -- the pool calls the default export
export default function end({ way, port, code, tcpPort = 0 }: EndOrder): Promise<unknown> {
  port?.postMessage({ thread: threadId, homing: import.meta.resolve('homing') } satisfies Greeting);
  switch (way) {
    case 'stay':
      break;
    case 'throw':
      throw new RangeError('from the task');
    case 'throw-null':
      // oxlint-disable-next-line typescript/only-throw-error -- a user's code may do this
      throw null;
    case 'throw-in-timer':
      setTimeout(() => {
        throw Object.assign(new TypeError('from a timer'), { code: 'E_TIMER' });
      });
      break;
    case 'throw-text-in-timer':
      setTimeout(() => {
        // oxlint-disable-next-line typescript/only-throw-error -- a user's code may do this
        throw 'text';
      });
      break;
    case 'reject':
      void Promise.reject(new Error('nobody caught it'));
      break;
    case 'exit':
      return process.exit(code);
    case 'exit-in-timer':
      setTimeout(() => process.exit(code), 50);
      break;
    case 'grow': {
      const rows: number[][] = [];
      for (;;) rows.push(Array.from({ length: 1_000 }, (_, index) => index + 0.5));
    }
    case 'return':
      return Promise.resolve('done');
    case 'spin':
      for (;;);
    case 'match':
      /^(a+)+$/.test(`${'a'.repeat(60)}b`);
      break;
    case 'sit':
      sitInNativeCode(tcpPort);
  }
  return new Promise(() => {});
}
