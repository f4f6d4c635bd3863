/**
 * What the main thread knows of the sessions of one simulated shard, as `server/member` keeps it; and the judge of the
 * order in which it was told.
 */
import type { SessionInfo } from '../actors/hosted-session.ts';
import type { ShardNews } from '../actors/news.ts';
import { PromiseBroken } from './course.ts';

interface Listed {
  readonly info: SessionInfo;
  isUp: boolean;
}

/** The sessions of one thread. */
export class Listing {
  readonly #fail: (error: PromiseBroken) => void;
  readonly #listed = new Map<string, Listed>();
  readonly #ended = new Set<string>();

  constructor(fail: (error: PromiseBroken) => void) {
    this.#fail = fail;
  }

  /** Sessions that began and have not ended. */
  get infos(): readonly SessionInfo[] {
    return [...this.#listed.values()].map(({ info }) => info);
  }

  /** Takes what a shard told: a session begins, is up and down in turns, and ends once, with nothing after it. */
  take(news: ShardNews): void {
    if (news.type === 'error') return;
    const { info } = news;
    const entry = this.#listed.get(info.id);
    if (this.#ended.has(info.id))
      return this.#fail(new PromiseBroken(`${news.type} of session ${info.id} after its end`));
    if (news.type === 'session') {
      if (entry !== undefined) this.#fail(new PromiseBroken(`session ${info.id} began twice`));
      this.#listed.set(info.id, { info, isUp: false });
      return;
    }
    if (entry === undefined)
      return this.#fail(new PromiseBroken(`${news.type} of session ${info.id}, which did not begin`));
    if (news.type === 'end') {
      this.#listed.delete(info.id);
      this.#ended.add(info.id);
    } else if (news.type === 'up' || news.type === 'down') {
      const isUp = news.type === 'up';
      if (entry.isUp === isUp) this.#fail(new PromiseBroken(`session ${info.id} is ${news.type} twice`));
      entry.isUp = isUp;
    }
  }

  /** The thread is gone: what has to be told in its place. */
  bury(): ShardNews[] {
    const news: ShardNews[] = [];
    for (const { info, isUp } of this.#listed.values()) {
      if (isUp) news.push({ type: 'down', info, code: 'shard-lost' });
      news.push({ type: 'end', info, code: 'shard-lost', unconfirmed: Number.NaN, carried: Number.NaN });
    }
    this.#listed.clear();
    return news;
  }
}
