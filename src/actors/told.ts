/** News on the channels of this thread: under `homing` where they happen, under `homing:server` where a server is told of them. */
import { type SessionFacts, channels } from './channels.ts';
import type { ShardNews } from './news.ts';

/** Publishes one piece of news to who subscribes. */
export function publishNews(at: 'homing' | 'homing:server', news: ShardNews<SessionFacts>): void {
  switch (news.type) {
    case 'session': {
      const channel = channels[`${at}:session:begin`];
      if (channel.hasSubscribers) channel.publish({ session: news.info });
      return;
    }
    case 'up': {
      const channel = channels[`${at}:session:up`];
      if (channel.hasSubscribers) channel.publish({ session: news.info, resumed: news.resumed });
      return;
    }
    case 'down': {
      const channel = channels[`${at}:session:down`];
      if (channel.hasSubscribers) channel.publish({ session: news.info, code: news.code });
      return;
    }
    case 'gap': {
      const channel = channels[`${at}:session:gap`];
      const { info: session, oldId, unconfirmed, carried } = news;
      if (channel.hasSubscribers) channel.publish({ session, oldId, unconfirmed, carried });
      return;
    }
    case 'end': {
      const channel = channels[`${at}:session:end`];
      const { info: session, code, unconfirmed, carried } = news;
      if (channel.hasSubscribers) channel.publish({ session, code, unconfirmed, carried });
      return;
    }
    case 'error': {
      const channel = channels[`${at}:error`];
      if (channel.hasSubscribers) channel.publish({ error: news.error, session: news.info });
      return;
    }
  }
}
