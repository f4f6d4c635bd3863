/**
 * Connections that nobody has: states, sessions and counters as a hub would tell of them, with losses and returns as often as is
 * asked for. Everything follows from the seed and the steps; it has no clock of its own.
 */
import type {
  ConnectionRow,
  ConnectionDetail,
  SessionDetail,
  FleetShard,
  WatchEvent,
} from '../../src/inspect/frames.ts';

/** How large, and how restless. */
export interface FleetPlan {
  /** Accepted connections on each of the shards `0`, `1`, …. */
  readonly accepted: readonly number[];
  /** Dialled connections, all of shard `0`. */
  readonly dialled: number;
  /** How many connections are cut by themselves in each step. */
  readonly cutsPerStep: number;
}

interface Member {
  readonly number: number;
  id: string;
  readonly place: string;
  readonly machine: 'accepting' | 'dialling';
  state: string;
  sinceMs: number;
  readonly sessionId: string;
  readonly room: string;
  epoch: number;
  resumes: number;
  attempts: number;
  sent: number;
  received: number;
  outbox: number;
  /** What comes next, and when. */
  next: { readonly atMs: number; readonly what: 'back' | 'dial' | 'greet' | 'welcome' } | undefined;
}

/** Told of each event with the connection's and the session's id. */
export type Listener = (event: WatchEvent, ids: { readonly connection: string; readonly session: string }) => void;

const rooms = ['main', 'lobby', 'night shift', 'archive'];
const names = ['ada', 'grace', 'edsger', 'barbara', 'alan', 'radia', 'leslie', 'tony'];
const RING = 24;

/** The connections, and what happens to them. */
export class FakeFleet {
  readonly #members: Member[] = [];
  readonly #totals = new Map<string, { messagesIn: number; messagesOut: number; cuts: number; resumes: number }>();
  readonly #entries = new Map<string, Record<Member['machine'], Record<string, number>>>();
  readonly #rings = new Map<string, WatchEvent[]>();
  readonly #plan: FleetPlan;
  readonly #listener: Listener;
  #seed = 7;
  #nowMs: number;
  #nextNumber: number;

  constructor(plan: FleetPlan, { nowMs, listener }: { readonly nowMs: number; readonly listener: Listener }) {
    this.#plan = plan;
    this.#listener = listener;
    this.#nowMs = nowMs;
    for (const [place, count] of plan.accepted.entries())
      for (let at = 0; at < count; at += 1) this.#join(String(place), 'accepting');
    for (let at = 0; at < plan.dialled; at += 1) this.#join('0', 'dialling');
    this.#nextNumber = this.#members.length + 1;
  }

  /** What every shard counts, as a `fleet` frame has it. */
  shards(): FleetShard[] {
    return this.#plan.accepted.map((_, at) => this.#countsOf(String(at)));
  }

  /** All rows that a query's parts let through. */
  rows(matches: (row: ConnectionRow) => boolean): ConnectionRow[] {
    return this.#members.map((member) => rowOf(member)).filter(matches);
  }

  /** The ring of last events of a connection or session, or undefined where there is none of this id. */
  pastOf(id: string): readonly WatchEvent[] | undefined {
    const member = this.#find(id);
    return member === undefined ? undefined : this.#ring(member);
  }

  /** What the session of this connection or session knows of itself. */
  detailOf(id: string): { session: SessionDetail; connection: ConnectionDetail } | undefined {
    const member = this.#find(id);
    if (member === undefined) return undefined;
    const { sessionId, epoch, state, sent, received, outbox, resumes, sinceMs } = member;
    return {
      session: {
        id: sessionId,
        epoch,
        state: state === 'up' ? 'up' : 'detached',
        ordered: { sent, acked: sent - outbox, received, processed: received },
        direct: { sent: Math.floor(sent / 3), acked: Math.floor(sent / 3), received: Math.floor(received / 4) },
        outboxMessages: outbox,
        outboxBytes: outbox * 92,
        mailboxMessages: 0,
        mailboxBytes: 0,
        creditMessages: 256 - outbox,
        creditBytes: 1_048_576 - outbox * 92,
        rttMs: rttOf(member),
        lingerMs: 120_000,
        calls: { running: outbox % 3, waiting: 0 },
        resumes,
        identityId: identityOf(member),
        store: { room: member.room },
      },
      connection: {
        id: member.id,
        machine: member.machine,
        state,
        address: addressOf(member),
        sinceMs,
        bytesIn: received * 90,
        bytesOut: sent * 90,
      },
    };
  }

  /** Cuts a connection; says whether there was one to cut. */
  cut(id: string): boolean {
    const member = this.#find(id);
    if (member === undefined || member.state !== 'up') return false;
    this.#lose(member);
    return true;
  }

  /** Lets time come to `nowMs`: messages flow, some connections are lost, others are on their way back. */
  step(nowMs: number): void {
    const forMs = nowMs - this.#nowMs;
    this.#nowMs = nowMs;
    for (let cut = 0; cut < this.#plan.cutsPerStep; cut += 1) {
      const member = this.#members[Math.floor(this.#draw() * this.#members.length)];
      if (member?.state === 'up') this.#lose(member);
    }
    for (const member of this.#members) {
      if (member.next !== undefined && member.next.atMs <= nowMs) this.#advance(member, member.next.what);
      else if (member.state === 'up') this.#talk(member, forMs);
    }
  }

  #join(place: string, machine: Member['machine']): void {
    const number = this.#members.length + 1;
    this.#members.push({
      number,
      id: `${place}/${number}`,
      place,
      machine,
      state: 'up',
      sinceMs: this.#nowMs - Math.floor(this.#draw() * 3_600_000),
      sessionId: `s-${(number * 2_654_435_761).toString(36).padStart(9, '0')}${number}`,
      room: rooms[number % rooms.length] ?? 'main',
      epoch: 1,
      resumes: 0,
      attempts: 0,
      sent: Math.floor(this.#draw() * 40_000),
      received: Math.floor(this.#draw() * 40_000),
      outbox: 0,
      next: undefined,
    });
  }

  #talk(member: Member, forMs: number): void {
    const count = Math.floor((this.#draw() * 2 * forMs) / 250 + this.#draw() * 0.5);
    const total = this.#totalOf(member.place);
    member.sent += count;
    member.received += count;
    member.outbox = this.#draw() < 0.1 ? 1 + Math.floor(this.#draw() * 4) : 0;
    total.messagesIn += count;
    total.messagesOut += count;
  }

  #lose(member: Member): void {
    this.#totalOf(member.place).cuts += 1;
    member.outbox += 3 + Math.floor(this.#draw() * 9);
    const waitMs = 200 + Math.floor(this.#draw() * 500);
    const data = { code: 'line-lost' };
    const down = this.#sessionEvent(member, { what: 'down', code: 'line-lost', unconfirmed: member.outbox });
    if (member.machine === 'dialling') {
      member.attempts += 1;
      this.#go(member, { event: 'SOCKET_LOST', data, state: 'backoff.waiting' });
      this.#tell(member, down);
      member.next = { atMs: this.#nowMs + waitMs, what: 'dial' };
    } else {
      this.#go(member, { event: 'SOCKET_LOST', data, state: 'closed' });
      this.#tell(member, down);
      this.#tell(member, {
        type: 'end',
        atMs: this.#nowMs,
        connection: member.id,
        machine: member.machine,
        code: 'line-lost',
      });
      member.state = 'detached';
      member.next = { atMs: this.#nowMs + waitMs, what: 'back' };
    }
  }

  #advance(member: Member, what: NonNullable<Member['next']>['what']): void {
    const soon = this.#nowMs + 40 + Math.floor(this.#draw() * 120);
    switch (what) {
      case 'dial':
        this.#go(member, { event: 'after redial', state: 'connecting' });
        member.next = { atMs: soon, what: 'greet' };
        return;
      case 'greet':
        this.#go(member, { event: 'SOCKET_OPEN', state: 'authenticating' });
        member.next = { atMs: soon, what: 'welcome' };
        return;
      case 'back':
        member.id = `${member.place}/${this.#nextNumber++}`;
        member.state = 'authenticating';
        this.#enter(member);
        member.sinceMs = this.#nowMs;
        this.#tell(member, {
          type: 'actor',
          atMs: this.#nowMs,
          connection: member.id,
          machine: member.machine,
          state: member.state,
          context: contextOf(member),
        });
        member.next = { atMs: soon, what: 'welcome' };
        return;
      case 'welcome': {
        const carried = member.outbox;
        this.#go(member, { event: 'WELCOMED', state: 'up' });
        member.epoch += 1;
        member.resumes += 1;
        member.outbox = 0;
        member.attempts = 0;
        member.next = undefined;
        this.#totalOf(member.place).resumes += 1;
        this.#tell(member, this.#sessionEvent(member, { what: 'up', resumed: true, epoch: member.epoch, carried }));
      }
    }
  }

  #go(member: Member, { event, data, state }: { event: string; data?: object; state: string }): void {
    const from = member.state;
    member.state = state;
    this.#enter(member);
    member.sinceMs = this.#nowMs;
    this.#tell(member, {
      type: 'step',
      atMs: this.#nowMs,
      connection: member.id,
      machine: member.machine,
      event,
      ...(data === undefined ? {} : { data }),
      from,
      state,
      context: contextOf(member),
    });
  }

  #sessionEvent(
    member: Member,
    facts: Omit<Extract<WatchEvent, { type: 'session' }>, 'type' | 'atMs' | 'session'>,
  ): WatchEvent {
    return { type: 'session', atMs: this.#nowMs, session: member.sessionId, ...facts };
  }

  #tell(member: Member, event: WatchEvent): void {
    const ring = this.#ring(member);
    ring.push(event);
    ring.splice(0, ring.length - RING);
    this.#listener(event, { connection: member.id, session: member.sessionId });
  }

  #ring(member: Member): WatchEvent[] {
    const known = this.#rings.get(member.sessionId);
    if (known !== undefined) return known;
    const { machine, state } = member;
    const ring: WatchEvent[] = [
      { type: 'actor', atMs: member.sinceMs, connection: member.id, machine, state, context: contextOf(member) },
    ];
    this.#rings.set(member.sessionId, ring);
    return ring;
  }

  #find(id: string): Member | undefined {
    return this.#members.find((member) => member.id === id || member.sessionId === id);
  }

  #countsOf(place: string): FleetShard {
    const members = this.#members.filter((member) => member.place === place);
    const states = {
      accepting: { authenticating: 0, up: 0, closed: 0 } as Record<string, number>,
      dialling: { idle: 0, connecting: 0, authenticating: 0, up: 0, backoff: 0, closed: 0 } as Record<string, number>,
    };
    let connections = 0;
    let outboxMessages = 0;
    for (const { machine, state, outbox } of members) {
      outboxMessages += outbox;
      if (state === 'detached') continue;
      const [outer = ''] = state.split('.', 1);
      states[machine][outer] = (states[machine][outer] ?? 0) + 1;
      connections += 1;
    }
    const total = this.#totalOf(place);
    return {
      place,
      generation: 1,
      states,
      entries: structuredClone(this.#entriesOf(place)),
      sessions: members.length,
      connections,
      handshakes: states.accepting['authenticating'] ?? 0,
      ...total,
      acked: total.messagesOut,
      bytesIn: total.messagesIn * 92,
      bytesOut: total.messagesOut * 92,
      outboxMessages,
      outboxBytes: outboxMessages * 92,
    };
  }

  #enter({ place, machine, state }: Member): void {
    const [outer = ''] = state.split('.', 1);
    const counts = this.#entriesOf(place)[machine];
    counts[outer] = (counts[outer] ?? 0) + 1;
  }

  #entriesOf(place: string): Record<Member['machine'], Record<string, number>> {
    const known = this.#entries.get(place) ?? { accepting: {}, dialling: {} };
    this.#entries.set(place, known);
    return known;
  }

  #totalOf(place: string): { messagesIn: number; messagesOut: number; cuts: number; resumes: number } {
    const known = this.#totals.get(place) ?? { messagesIn: 0, messagesOut: 0, cuts: 0, resumes: 0 };
    this.#totals.set(place, known);
    return known;
  }

  /** From 0 up to 1; a small generator, good enough to look natural. */
  #draw(): number {
    this.#seed = (this.#seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return this.#seed / 4_294_967_296;
  }
}

function rowOf(member: Member): ConnectionRow {
  const { id, machine, state, sinceMs, sessionId, epoch, outbox, resumes, room } = member;
  const more = {
    sinceMs,
    sessionId,
    identityId: identityOf(member),
    epoch,
    outboxMessages: outbox,
    outboxBytes: outbox * 92,
    resumes,
    store: { room },
  };
  if (state === 'detached') return { id: `s/${sessionId}`, state, ...more };
  return { id, machine, state, address: addressOf(member), rttMs: rttOf(member), ...more };
}

function contextOf({ machine, attempts }: Member): object {
  if (machine === 'accepting') return { handshakeMs: 10_000 };
  return { autoReconnect: true, attemptCount: attempts, redialMs: 640, handshakeMs: 10_000, stableMs: 30_000 };
}

const identityOf = ({ number }: Member): string => `${names[number % names.length] ?? ''}-${number % 97}`;
const addressOf = ({ number }: Member): string => `127.0.0.${1 + (number % 250)}:${30_000 + (number % 30_000)}`;
const rttOf = ({ number }: Member): number => 0.4 + (number % 37) / 3;
