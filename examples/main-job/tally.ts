/** Everything the views show of a run, and how it follows from what is told. No clock: moments are arguments. */
import type { ProxyCounts, ProxyEvent } from '#testing/proxy/chaos-proxy';
import type { FileFacts } from './file-facts.ts';
import type { JobOptions } from './options.ts';
import type { ClientReport, PassDigest, Volume } from './reports.ts';

/** What happened lately, for people. */
export interface Note {
  readonly atMs: number;
  readonly kind: 'fault' | 'hole' | 'redial' | 'up' | 'word';
  readonly text: string;
}

/** How long the line was out of order: by cuts and refused dials alone, or with a black hole among them. */
export interface Recoveries {
  readonly afterCut: number[];
  readonly afterHole: number[];
}

const NOTES_MAX = 100;
const PULSES_MAX = 400;

/** Time between two entries of `pulses`. */
export const PULSE_MS = 100;

/** A run as it is known now. Moments are milliseconds since 1970. */
export class Tally {
  readonly options: JobOptions;
  readonly file: FileFacts;
  /** When the first dial could be made. */
  startedMs: number;
  phase: 'storm' | 'calm' | 'over' = 'storm';
  state = 'connecting';
  sent: Volume = { lines: 0, bytes: 0, passes: 0 };
  delivered: Volume = { lines: 0, bytes: 0, passes: 0 };
  resent = 0;
  resumes = 0;
  /** Connections that landed on another shard than that of the session. */
  relayed = 0;
  stormMs = 0;
  elapsedMs = 0;
  counts: ProxyCounts | undefined;
  digests: readonly PassDigest[] = [];
  readonly notes: Note[] = [];
  /** Lines delivered in each tenth of a second, and cuts in it. */
  readonly pulses: { readonly lines: number; readonly cuts: number }[] = [];
  readonly recoveries: Recoveries = { afterCut: [], afterHole: [] };
  #outages: { readonly atMs: number; readonly isHole: boolean }[] = [];
  #pulsed = { lines: 0, cuts: 0 };

  constructor(options: JobOptions, file: FileFacts, nowMs: number) {
    this.options = options;
    this.file = file;
    this.startedMs = nowMs;
  }

  /** Takes a note, and an outage if one begins. */
  proxyDid(event: ProxyEvent, nowMs: number): void {
    if (event.type === 'cut' || event.type === 'blackHole' || event.type === 'orphan') {
      this.#outages.push({ atMs: nowMs, isHole: event.type !== 'cut' });
    }
    const note = noteOf(event);
    if (note !== undefined) this.note(nowMs, note.kind, note.text);
  }

  clientSaid(message: ClientReport, nowMs: number): void {
    if (message.type === 'sent' || message.type === 'done') this.sent = message.volume;
    else if (message.type === 'state') this.state = message.state;
    else if (message.type === 'redial') {
      const { attempt, delayMs } = message;
      this.note(nowMs, 'redial', `redial in ${delayMs.toFixed(0)} ms${attempt > 1 ? `, attempt ${attempt}` : ''}`);
    } else if (message.type === 'up') {
      if (message.resumed) this.resumes += 1;
      this.note(nowMs, 'up', message.resumed ? 'session resumed' : 'session begun');
    } else this.note(nowMs, 'fault', message.sentence);
  }

  /** The server processed something again: the outages before that moment are one, from the first of them on. */
  recovered(atMs: number): void {
    const over = this.#outages.filter((outage) => outage.atMs <= atMs);
    const [first] = over;
    if (first === undefined) return;
    this.#outages = this.#outages.slice(over.length);
    const { afterCut, afterHole } = this.recoveries;
    (over.some(({ isHole }) => isHole) ? afterHole : afterCut).push(atMs - first.atMs);
  }

  /** Closes a tenth of a second. */
  pulse(): void {
    const now = { lines: this.delivered.lines, cuts: this.counts?.cuts ?? 0 };
    this.pulses.push({ lines: now.lines - this.#pulsed.lines, cuts: now.cuts - this.#pulsed.cuts });
    this.#pulsed = now;
    if (this.pulses.length > PULSES_MAX) this.pulses.shift();
  }

  note(nowMs: number, kind: Note['kind'], text: string): void {
    this.notes.push({ atMs: nowMs - this.startedMs, kind, text });
    if (this.notes.length > NOTES_MAX) this.notes.shift();
  }
}

function noteOf(event: ProxyEvent): { kind: Note['kind']; text: string } | undefined {
  switch (event.type) {
    case 'cut': {
      const way = event.direction === 'down' ? `${event.downBytes} bytes down` : `${event.upBytes} bytes up`;
      return { kind: 'fault', text: `${event.how === 'reset' ? 'reset' : 'hung up'} after ${way}` };
    }
    case 'blackHole':
      return {
        kind: 'hole',
        text: `half-open: ${event.hole === 'both' ? 'both ways' : event.hole} into nothing, nobody told`,
      };
    case 'stall':
      return { kind: 'hole', text: `stalled ${event.direction} for ${event.forMs.toFixed(0)} ms` };
    case 'orphan':
      return { kind: 'hole', text: `lost by the ${event.late === 'up' ? 'client' : 'server'}, by the other end later` };
    case 'flip':
      return { kind: 'fault', text: `a byte altered ${event.direction}` };
    case 'replayed':
      return { kind: 'fault', text: 'an old HELLO once more' };
    case 'turnedAway':
      return {
        kind: 'fault',
        text: event.how === 'silence' ? 'accepted, never answered' : 'accepted and closed at once',
      };
    case 'refusing':
      return { kind: 'fault', text: `nobody listens for ${event.forMs?.toFixed(0) ?? '?'} ms` };
    case 'accepted':
    case 'accepting':
      return undefined;
  }
}

/** The value below which this share of them lies; undefined without any. */
export function percentile(values: readonly number[], share: number): number | undefined {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}
