/** Gathers the news of one tick, so that what crosses to the main thread crosses at once. */
import { type ShardNews, plainError } from '../actors/news.ts';
import type { Host } from '../actors/ports.ts';
import type { PlainNews } from './orders.ts';

/** The news of a shard thread on their way to the main thread. */
export class Newsroom {
  readonly #host: Host;
  readonly #publish: (news: readonly PlainNews[]) => void;
  #waiting: PlainNews[] = [];

  constructor(host: Host, publish: (news: readonly PlainNews[]) => void) {
    this.#host = host;
    this.#publish = publish;
  }

  /** Takes one; it leaves with the others of this tick. */
  take(news: ShardNews): void {
    if (this.#waiting.length === 0) this.#host.defer(() => this.flush());
    this.#waiting.push(news.type === 'error' ? { ...news, error: plainError(news.error) } : news);
  }

  /** Sends what waits now, before something else is said. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const news = this.#waiting;
    this.#waiting = [];
    this.#publish(news);
  }
}
