/** Presence watched by code of the server itself, in a shard or on the main thread. */
import { describeError } from '../actors/describe.ts';
import type { PresenceFeed } from '../actors/presence-feed.ts';
import { PresenceView } from '../client/presence.ts';
import { HomingError } from '../errors.ts';

/** Opens a view of a feed of this thread; it ends with the server. Rejects with `BadOption` when presence is off. */
export function watchHere(open: () => PresenceFeed, failed: (error: HomingError) => void): Promise<PresenceView> {
  const source = {
    open: () => new Promise<PresenceFeed>((resolve) => resolve(open())),
    failed: () => {},
    listenerFailed: (cause: unknown) => {
      const sentence = `a listener of presence threw: ${describeError(cause).message}`;
      failed(new HomingError('HandlerFailed', sentence, { cause }));
    },
    mayReopen: () => false,
  };
  return PresenceView.open(source, () => {});
}
