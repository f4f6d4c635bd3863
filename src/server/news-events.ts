/** What a server tells its listeners of the news of its shards. */
import type { Listeners } from '../actors/listeners.ts';
import type { ShardNews } from '../actors/news.ts';
import type { ServerEvents } from './server.ts';

/** Tells one piece of news. */
export function tellNews(listeners: Listeners<ServerEvents>, news: ShardNews): void {
  const { info } = news;
  switch (news.type) {
    case 'session':
      return listeners.emit('session', news.info);
    case 'up':
      return listeners.emit('up', news.info, { resumed: news.resumed });
    case 'down':
      return listeners.emit('down', news.info, { code: news.code });
    case 'gap':
      return listeners.emit('gap', news.info, { unconfirmed: news.unconfirmed, carried: news.carried });
    case 'end': {
      const { code, unconfirmed, carried } = news;
      return listeners.emit('end', news.info, { code, unconfirmed, carried });
    }
    case 'error': {
      const { messageId } = news.error;
      const detail = {
        ...(info === undefined ? {} : { session: info }),
        ...(messageId === undefined ? {} : { messageId }),
      };
      return listeners.emit('error', news.error, detail);
    }
  }
}
