/** What an inspector is shown of sessions and connections: numbers and short texts, taken when they are asked for. */
import type { ConnectionRow, RowFilter, SessionDetail, ShownStore } from './events.ts';
import type { Link } from './link.ts';
import type { RosterSession } from './roster-entry.ts';
import type { SessionActor } from './session-actor.ts';

/** Values of a store that are shown, and their length. */
const SHOWN_KEYS_MAX = 32;
const SHOWN_TEXT_MAX = 200;

/** What a row says of a session. */
export function sessionRow(session: RosterSession | undefined) {
  const outlet = session?.actor.session.outlet;
  return {
    sessionId: session?.id,
    identityId: session?.identity?.id,
    epoch: session?.epoch,
    rttMs: session?.actor.session.liveness.rttMs,
    outboxMessages: outlet === undefined ? undefined : outlet.ordered.messages + outlet.direct.messages,
    outboxBytes: outlet === undefined ? undefined : outlet.ordered.bytes + outlet.direct.bytes,
    resumes: session?.resumes,
    store: session === undefined ? undefined : shownStore(session.actor),
  };
}

/** The row of a session without a connection. */
export function detachedRow(session: RosterSession): ConnectionRow {
  const base = { machine: undefined, state: 'detached', sinceMs: undefined, address: undefined };
  return { id: `s/${session.id}`, ...base, ...sessionRow(session) };
}

/** A session from inside. */
export function sessionDetail(held: RosterSession): SessionDetail {
  const { actor, identity, lingerMs, resumes } = held;
  const { session } = actor;
  const { outlet } = session;
  const { ordered, direct } = outlet;
  const credit = outlet.credit;
  return {
    id: held.id,
    epoch: held.epoch,
    state: held.isEnded ? 'ended' : held.isAttached ? 'attached' : 'detached',
    ordered: {
      sent: ordered.sent,
      acked: ordered.released,
      received: session.orderedReceived,
      processed: session.cursor,
    },
    direct: { sent: direct.sent, acked: direct.released, received: session.directReceived },
    outboxMessages: ordered.messages + direct.messages,
    outboxBytes: ordered.bytes + direct.bytes,
    mailboxMessages: session.orderedReceived - session.cursor,
    mailboxBytes: session.mailboxBytes,
    creditMessages: credit.messages,
    creditBytes: credit.bytes,
    rttMs: session.liveness.rttMs,
    lingerMs,
    calls: { running: actor.callee.runningCount, waiting: actor.callsWaiting },
    resumes,
    identityId: identity?.id,
    store: shownStore(actor),
  };
}

/** The plain values of a store, as far as there is room for them on a page. */
function shownStore(actor: SessionActor): ShownStore {
  const shown: Record<string, string | number | boolean> = {};
  let count = 0;
  for (const key of actor.store.keys()) {
    const value = actor.store.plainOf(key);
    if (value === undefined) continue;
    if (count === SHOWN_KEYS_MAX) break;
    shown[key] = typeof value === 'string' ? value.slice(0, SHOWN_TEXT_MAX) : value;
    count += 1;
  }
  return shown;
}

/** Who is at the other end of a line. */
export function addressOf(link: Link | undefined): string | undefined {
  const ends = link?.ends;
  if (ends === undefined || ends.remoteAddress === '') return undefined;
  return ends.remotePort === 0 ? ends.remoteAddress : `${ends.remoteAddress}:${ends.remotePort}`;
}

/** Whether a row is what was looked for, but for its state. */
export function fits(row: ConnectionRow, { store, search }: RowFilter): boolean {
  for (const [key, value] of Object.entries(store ?? {})) if (String(row.store?.[key]) !== String(value)) return false;
  if (search === undefined || search === '') return true;
  return [row.id, row.sessionId, row.identityId, row.address].some((word) => word?.includes(search) === true);
}
