/** What the connection of an accepted session shows its behavior: a small object, because there are very many. */
import type { HostedSession } from '../actors/hosted-session.ts';
import type { ConnectionSource } from '../client/connection.ts';

/** The state and the round trip of an accepted session. */
export class HostedSource implements ConnectionSource {
  readonly #hosted: HostedSession;

  constructor(hosted: HostedSession) {
    this.#hosted = hosted;
  }

  state(): 'up' | 'closed' {
    return this.#hosted.isAttached ? 'up' : 'closed';
  }

  rttMs(): number | undefined {
    return this.#hosted.actor.session.liveness.rttMs;
  }
}
