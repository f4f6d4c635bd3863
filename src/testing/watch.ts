/**
 * Watches a handle of either end: what its user sends, calls and handles, and what its connection tells, becomes sights. The
 * same for simulated ends and for real programs. Methods of the handle are replaced, so watch it before anybody uses it.
 */
import type { Wait } from '../actors/waits.ts';
import { remoteOf } from '../client/remote.ts';
import { HomingError } from '../errors.ts';
import { digestOf } from './digest.ts';
import { outcomeOf } from './outcome.ts';
import { type BareSight, type How, type Outcome, type SightOf, sightBy } from './sights.ts';
import type { Watched, Watcher, Watching } from './watcher.ts';

type Work = (...args: unknown[]) => unknown;

/** Watches a client (`end: 'client'`) or the server's handle of a session from now on. */
export function watch(handle: object, end: 'client' | 'server', watcher: Watcher): Watching {
  return new WatchedHandle(handle as Watched & Record<string, Work>, end, watcher);
}

class WatchedHandle implements Watching {
  readonly #handle: Watched & Record<string, Work>;
  readonly #watcher: Watcher;
  readonly #session: string;
  readonly #listening = new Map<string, number>();
  #sentCount = 0;
  #workerCount = 0;

  constructor(handle: Watched & Record<string, Work>, end: 'client' | 'server', watcher: Watcher) {
    this.#handle = handle;
    this.#watcher = watcher;
    this.#session = end === 'server' ? handle.id : '';
    if (end === 'server') this.tell({ type: 'opens', session: this.#session, epoch: handle.epoch });
    this.#watchConnection(end);
    this.#wrapSending();
    this.#wrapHearing();
  }

  tell(sight: BareSight): void {
    this.#watcher.tell(sightBy(this.#watcher, this.#watcher.now(), sight));
  }

  // ---- what it sends

  #wrapSending(): void {
    const original = bound(this.#handle, ['send', 'deliver', 'call', 'flush', 'to', 'presence', 'with']);
    const { send, deliver, call, flush, to, presence } = original;
    const lasting: Wait = {};
    this.#replace({
      send: (...message) => {
        const n = this.#sent('send', message, lasting);
        try {
          return send(...message);
        } catch (error) {
          this.#answered(n, 'never-sent');
          throw error;
        }
      },
      deliver: (...message) => this.#waited('deliver', message, lasting, deliver),
      call: (...message) => this.#waited('call', message, lasting, call),
      flush: () => this.#flushed(flush),
      to: (...selection) => this.#spread(to(...selection) as Group),
      // A request of the runtime's own, which reports count.
      presence: () => {
        this.tell({ type: 'spread', session: this.#session, name: '', digest: undefined });
        return presence();
      },
      with: (wait) => this.#limited(original.with(wait) as Record<string, Work>, wait as Wait),
    });
    const remote = remoteOf((method, args) => this.#calls([method, ...args], lasting, call));
    Object.defineProperty(this.#handle, 'remote', { get: () => remote });
  }

  #limited(limited: Record<string, Work>, wait: Wait): object {
    const { deliver, call, flush, writable } = bound(limited, ['deliver', 'call', 'flush', 'writable']);
    return {
      deliver: (...message: unknown[]) => this.#waited('deliver', message, wait, deliver),
      call: (...message: unknown[]) => this.#waited('call', message, wait, call),
      remote: remoteOf((method, args) => this.#calls([method, ...args], wait, call)),
      flush: () => this.#flushed(flush),
      writable,
    };
  }

  #sent(how: How, [name, ...args]: readonly unknown[], { timeoutMs, clock }: Wait): number {
    const n = (this.#sentCount += 1);
    const limit = how === 'call' && timeoutMs !== undefined ? { timeoutMs, isWall: clock === 'wall' } : undefined;
    this.tell({ type: 'sent', session: this.#session, n, how, name: String(name), digest: digestOf(args), ...limit });
    return n;
  }

  #waited(how: 'deliver' | 'call', message: readonly unknown[], wait: Wait, work: Work): unknown {
    const n = this.#sent(how, message, wait);
    const promise = work(...message) as Promise<unknown>;
    // What its user gets is another promise than the one watched: whoever does not handle a rejection is found out.
    return promise.then(
      (value) => {
        this.#answered(n, 'ok');
        return value;
      },
      (error: unknown) => {
        this.#answered(n, outcomeOf(error));
        throw error;
      },
    );
  }

  #calls(message: readonly unknown[], wait: Wait, work: Work): Promise<unknown> {
    return this.#waited('call', message, wait, work) as Promise<unknown>;
  }

  #answered(n: number, outcome: Outcome): void {
    this.tell({ type: 'answered', session: this.#session, n, outcome });
  }

  #flushed(flush: Work): unknown {
    const n = this.#sentCount;
    const session = this.#session;
    return (flush() as Promise<void>).then(
      () => this.tell({ type: 'flushed', session, n, outcome: 'ok' }),
      (error: unknown) => {
        this.tell({ type: 'flushed', session, n, outcome: outcomeOf(error) });
        throw error;
      },
    );
  }

  #spread({ send }: Group): Group {
    return {
      send: (name, ...args) => {
        this.tell({ type: 'spread', session: this.#session, name, digest: digestOf(args) });
        return send(name, ...args);
      },
    };
  }

  // ---- what it hears

  #wrapHearing(): void {
    const { on, once, expose } = bound(this.#handle, ['on', 'once', 'expose']);
    this.#replace({
      on: (event, handler, options) => {
        if (typeof handler !== 'function') return on(event, handler, options);
        const name = String(event);
        const remove = on(event, this.#worker('event', name, handler as Work), options) as () => void;
        return this.#listens(name, remove, (options as { signal?: AbortSignal } | undefined)?.signal);
      },
      once: (event, handler) => {
        if (typeof handler !== 'function') return once(event, handler);
        const name = String(event);
        let ended: () => void = () => {};
        const work = this.#worker('event', name, handler as Work, () => ended());
        ended = this.#listens(name, once(event, work) as () => void, undefined);
        return ended;
      },
      expose: (methods) => expose(this.#methods(methods)),
    });
  }

  #listens(name: string, remove: () => void, signal: AbortSignal | undefined): () => void {
    const session = this.#session;
    const count = (this.#listening.get(name) ?? 0) + 1;
    this.#listening.set(name, count);
    if (count === 1) this.tell({ type: 'listens', session, name, isOn: true });
    let isOn = true;
    const leave = (): void => {
      if (!isOn) return;
      isOn = false;
      const left = (this.#listening.get(name) ?? 1) - 1;
      this.#listening.set(name, left);
      if (left === 0) this.tell({ type: 'listens', session, name, isOn: false });
    };
    if (signal?.aborted === true) leave();
    else signal?.addEventListener('abort', leave, { once: true });
    return () => {
      leave();
      remove();
    };
  }

  #worker(what: 'event' | 'method', name: string, work: Work, starts?: () => void): Work {
    const worker = (this.#workerCount += 1);
    const { isValidated = false, begun } = this.#watcher;
    const session = this.#session;
    const handle = this.#handle;
    return (...args) => {
      const message = handle.turn.messageId;
      const ended = (isWell: boolean): void => this.tell({ type: 'ended', session, message, worker, isWell });
      const digest = isValidated ? undefined : digestOf(args);
      this.tell({ type: 'started', session, message, what, name, worker, digest });
      starts?.();
      let result: unknown;
      try {
        result = work(...args);
      } catch (error) {
        ended(false);
        throw error;
      }
      if (!isPromise(result)) {
        ended(true);
        return result;
      }
      // The runtime, which comes to this promise later, hears of its end later: what is acknowledged has been told as ended.
      const told = result.then(
        () => ended(true),
        () => ended(false),
      );
      begun?.(what === 'event' ? `handler of '${name}'` : `method '${name}'`, message, told);
      return result;
    };
  }

  #methods(methods: unknown): unknown {
    if (typeof methods !== 'object' || methods === null) return methods;
    const wrapped: Record<string, Work> = {};
    const chain: object[] = [];
    for (let at: object | null = methods; at !== null && at !== Object.prototype; at = prototypeOf(at)) chain.push(at);
    for (const level of chain.toReversed()) {
      for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(level))) {
        if (typeof value !== 'function' || name === 'constructor') continue;
        wrapped[name] = this.#worker('method', name, (value as Work).bind(methods));
      }
    }
    return wrapped;
  }

  // ---- what its connection tells

  #watchConnection(end: 'client' | 'server'): void {
    const session = this.#session;
    const handle = this.#handle;
    const { homeOf, inLine } = this.#watcher;
    const { connection } = handle;
    const machine = end === 'client' ? 'dialling' : 'accepting';
    connection.on('change', (to: string, from: string) => {
      this.tell({ type: 'edge', machine, from, to });
      const { id, epoch } = handle;
      if (to === 'up') this.tell({ type: 'up', session, id, epoch, home: homeOf?.(id) });
    });
    connection.on('down', ({ code }: { code: string }) => this.tell({ type: 'down', session, code }));
    connection.on('reconnect', ({ cause }: { cause: unknown }) => {
      if (cause instanceof HomingError) this.tell({ type: 'redials', session, code: cause.code });
    });
    connection.on('gap', (report: Gap) => {
      const { reason, oldId, epoch, unconfirmed, carried } = report;
      const counts = { unconfirmed, carried, inLine: inLine?.() };
      this.tell({ type: 'gap', session, reason, oldId, id: handle.id, epoch, ...counts });
      // All listeners get the same report.
      const [resend, discard] = [report.resend, report.discard];
      report.resend = () => {
        resend();
        this.tell({ type: 'chose', session, choice: 'resend' });
      };
      report.discard = () => {
        discard();
        this.tell({ type: 'chose', session, choice: 'discard' });
      };
    });
    connection.on('closed', ({ code, unconfirmed, carried }: SightOf<'closed'>) =>
      this.tell({ type: 'closed', session, code, unconfirmed, carried }),
    );
  }

  #replace(works: Readonly<Record<string, Work>>): void {
    for (const [name, value] of Object.entries(works)) Object.defineProperty(this.#handle, name, { value });
  }
}

interface Group {
  readonly send: (name: string, ...args: unknown[]) => unknown;
}

interface Gap {
  readonly reason: string;
  readonly oldId: string;
  readonly epoch: number;
  readonly unconfirmed: number;
  readonly carried: number;
  resend: () => void;
  discard: () => void;
}

function bound<Name extends string>(target: object, names: readonly Name[]): Record<Name, Work> {
  const works = target as Record<Name, Work>;
  return Object.fromEntries(names.map((name) => [name, works[name].bind(target)])) as Record<Name, Work>;
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function';
}

function prototypeOf(value: object): object | null {
  return Object.getPrototypeOf(value) as object | null;
}
