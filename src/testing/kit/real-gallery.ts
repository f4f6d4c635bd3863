/**
 * Who looks at a run on real sockets: handles are watched as in the simulator, and the same oracles judge. Where the server's
 * handles are in other threads, its half is not seen, and only the order of what clients handle is judged.
 */
import { lifeOf } from '../oracles/end.ts';
import { Judge } from '../oracles/judge.ts';
import { type BareSight, type Sight, sightBy } from '../sights.ts';
import { watch } from '../watch.ts';
import { verdictOf } from './gallery.ts';
import type { RealHost } from './real-judge.ts';
import { Verdict } from './verdict.ts';

/** A machine that is shared may be so late. */
const LATE_MS = 10_000;

/** What a gallery is made with. */
export interface RealGalleryOptions {
  /** The handles of both ends are in this thread. */
  readonly isWhole: boolean;
  /** Codes that altered bytes may come to. */
  readonly allows: (code: string) => boolean;
  readonly now: () => number;
  readonly failed: (verdict: Verdict) => void;
  /** Told each handler and method that begins. */
  readonly started: (host: RealHost, what: string, message: string) => void;
  readonly begun: (host: RealHost, what: string, message: string, promise: PromiseLike<unknown>) => void;
}

interface Life {
  readonly who: string;
  readonly life: number;
  /** What its handlers got last, where the sender is not seen. */
  readonly last: { epoch: number; seq: number };
}

/** Who looks at one run. */
export class RealGallery {
  /** Handlers and methods that have begun. */
  startedCount = 0;
  readonly #options: RealGalleryOptions;
  readonly #judge: Judge | undefined;
  readonly #lives = new Map<RealHost, Life>();
  readonly #counts = new Map<string, number>();
  #isOver = false;

  constructor(options: RealGalleryOptions) {
    this.#options = options;
    const { isWhole, allows, failed } = options;
    const found = (finding: Parameters<typeof verdictOf>[0]): void => failed(verdictOf(finding));
    this.#judge = isWhole ? new Judge({ allows, toleranceMs: LATE_MS, found }) : undefined;
  }

  /** Watches a handle from now on; before anybody uses it. */
  watch(handle: object, end: 'client' | 'server', host: RealHost, isValidated: boolean): void {
    const { now, begun } = this.#options;
    const { who, life } = this.#lifeOf(host);
    watch(handle, end, {
      who,
      life,
      now,
      isValidated,
      begun: (what, message, promise) => begun(host, what, message, promise),
      tell: (sight) => {
        if (host.isAlive) this.#take(host, sight);
      },
    });
  }

  /** Nobody is left out by what befalls a real machine. */
  befallen(kind: string, host: RealHost): void {
    this.#tell(host, { type: 'fault', kind, touches: undefined });
  }

  /** A process has died. */
  died(host: RealHost): void {
    this.#tell(host, { type: 'ends' });
  }

  /** The run is over; throws what is found now. */
  end(): void {
    const finding = this.#judge?.end();
    if (finding !== undefined) throw verdictOf(finding);
  }

  /** Nothing is looked at any more. */
  leave(): void {
    this.#isOver = true;
  }

  // ---- below

  #tell(host: RealHost, sight: BareSight): void {
    this.#take(host, sightBy(this.#lifeOf(host), this.#options.now(), sight));
  }

  #take(host: RealHost, sight: Sight): void {
    if (this.#isOver) return;
    if (sight.type === 'started') this.#started(host, sight);
    this.#judge?.take(sight);
  }

  #started(host: RealHost, { what, name, message }: Extract<Sight, { readonly type: 'started' }>): void {
    this.startedCount += 1;
    this.#options.started(host, `${what === 'event' ? 'handler of' : 'method'} '${name}'`, message);
    if (this.#judge === undefined) this.#expectNext(host, message);
  }

  /** Within an epoch a client gets messages with rising numbers; an older epoch does not come back. */
  #expectNext(host: RealHost, message: string): void {
    const { last, ...life } = this.#lifeOf(host);
    const [epoch = 0, seq = 0] = message.split('/').slice(1).map(Number);
    // Several handlers of one event get the same message; a passed function has none of a number.
    if (Number.isNaN(seq)) return;
    if (epoch < last.epoch || (epoch === last.epoch && seq < last.seq)) {
      const sentence = `message ${seq} of epoch ${epoch} was handled after message ${last.seq} of epoch ${last.epoch}`;
      this.#options.failed(new Verdict('order', sentence, { who: lifeOf(life), messageId: message }));
    }
    last.epoch = epoch;
    last.seq = seq;
  }

  #lifeOf(host: RealHost): Life {
    const known = this.#lives.get(host);
    if (known !== undefined) return known;
    const [who = host.name] = host.name.split('#');
    const count = (this.#counts.get(who) ?? 0) + 1;
    this.#counts.set(who, count);
    const life = { who, life: count, last: { epoch: 0, seq: 0 } };
    this.#lives.set(host, life);
    this.#tell(host, { type: 'begins' });
    // Any end of a machine that is shared may be late enough to be taken for dead.
    if (count === 1) this.befallen('machine', host);
    return life;
  }
}
