/** Stories for oracles, told by hand: who sees what, a millisecond apart unless said otherwise. */
import type { Finding } from '../../../../src/testing/oracles/finding.ts';
import { Judge, type JudgeOptions } from '../../../../src/testing/oracles/judge.ts';
import type { BareSight, How, Outcome, Sight } from '../../../../src/testing/sights.ts';

/** One client `c0`, one server, and what is seen of them. */
export class Story {
  readonly sights: Sight[] = [];
  #nowMs = 0;
  #workers = 0;

  /** `c0` and the server have begun, `c0` has session `s` of epoch 1, and the server listens to `note`. Some fault touches all. */
  static opened(isTouched = true): Story {
    const story = new Story();
    if (isTouched) story.server({ type: 'fault', kind: 'any', touches: undefined });
    story.server({ type: 'begins' }).client({ type: 'begins' }).up('s', 1).opens('s', 1);
    return story;
  }

  server(sight: BareSight, life = 1): this {
    return this.#tell(sight, 'server', life);
  }

  client(sight: BareSight, life = 1): this {
    return this.#tell(sight, 'c0', life);
  }

  /** So much time passes. */
  wait(ms: number): this {
    this.#nowMs += ms;
    return this;
  }

  up(id: string, epoch: number): this {
    return this.client({ type: 'up', session: '', id, epoch });
  }

  /** The server has a handle of the session, which listens to `note`. */
  opens(session: string, epoch: number, life = 1): this {
    this.server({ type: 'opens', session, epoch }, life);
    return this.server({ type: 'listens', session, name: 'note', isOn: true }, life);
  }

  sent(n: number, how: How = 'send', name = 'note'): this {
    return this.client({ type: 'sent', session: '', n, how, name, digest: `content ${n}` });
  }

  answered(n: number, outcome: Outcome): this {
    return this.client({ type: 'answered', session: '', n, outcome });
  }

  flushed(n: number): this {
    return this.client({ type: 'flushed', session: '', n, outcome: 'ok' });
  }

  /** The handler of the server begins with message `seq`, which is the one that was sent as number `n`. */
  starts(
    seq: number,
    n = seq,
    { what = 'event', name = 'note', session = 's', epoch = 1, life = 1 }: Partial<Start> = {},
  ): this {
    this.#workers = what === 'event' ? 1 : 2;
    const message = `${session}/${epoch}/${seq}`;
    const worker = this.#workers;
    return this.server({ type: 'started', session, message, what, name, worker, digest: `content ${n}` }, life);
  }

  ends(seq: number, isWell = true, { session = 's', epoch = 1, life = 1 }: Partial<Start> = {}): this {
    const worker = this.#workers;
    return this.server({ type: 'ended', session, message: `${session}/${epoch}/${seq}`, worker, isWell }, life);
  }

  /** A message is handled from its start to its end. */
  handles(seq: number, n = seq, start: Partial<Start> = {}): this {
    return this.starts(seq, n, start).ends(seq, true, start);
  }

  gap(unconfirmed: number, carried: number, inLine?: number): this {
    const ids = { oldId: 's', id: 't', epoch: 2 };
    return this.client({ type: 'gap', session: '', reason: 'history-lost', ...ids, unconfirmed, carried, inLine });
  }

  /** What the judge finds first. */
  judged(options: JudgeOptions = {}): Finding | undefined {
    const judge = new Judge(options);
    for (const sight of this.sights) judge.take(sight);
    return judge.end();
  }

  /** The invariant that is broken, with the sentence. */
  verdict(options: JudgeOptions = {}): string {
    const finding = this.judged(options);
    return finding === undefined ? 'nothing' : `${finding.invariant}: ${finding.sentence}`;
  }

  #tell(sight: BareSight, who: string, life: number): this {
    this.#nowMs += 1;
    this.sights.push({ ...sight, who, life, atMs: this.#nowMs });
    return this;
  }
}

interface Start {
  readonly what: 'event' | 'method';
  readonly name: string;
  readonly session: string;
  readonly epoch: number;
  readonly life: number;
}
