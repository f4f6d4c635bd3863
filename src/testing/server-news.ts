/** The news of shards as events of their server, in the form that `SessionServer` gives them. */
import type { Listeners } from '../actors/listeners.ts';
import type { ShardNews } from '../actors/news.ts';
import type { ServerEvents } from '../server/server.ts';

/** Tells the user of a server. */
export function tellNews(listeners: Listeners<ServerEvents>, news: ShardNews): void {
  switch (news.type) {
    case 'session':
      return listeners.emit('session', news.info);
    case 'up':
      return listeners.emit('up', news.info, { resumed: news.resumed });
    case 'down':
      return listeners.emit('down', news.info, { code: news.code });
    case 'gap':
      return listeners.emit('gap', news.info, { unconfirmed: news.unconfirmed, carried: news.carried });
    case 'end':
      return listeners.emit('end', news.info, news);
    case 'error':
      return listeners.emit('error', news.error, news.info === undefined ? {} : { session: news.info });
  }
}
