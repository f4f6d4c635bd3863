/** What a server tells of its sessions, held against what must be true of it: each begins once and ends once. */
import type { HomingError, Server, ServerEvents, SessionInfo } from 'homing';
import { Tally } from '../loopback/world.ts';
import type { Numbered } from './numbered.ts';

/** The end of a session, as the server told it. */
export type End = ServerEvents['end'][1];

/** The facts of one server, from its making on. */
export class ServerFacts {
  readonly crashes = new Tally();
  /** The sentences of the crashes. */
  readonly crashSentences: string[] = [];
  /** Resumes while a connection was carried over from another shard, and while one was at home. */
  relayed = 0;
  atHome = 0;
  /** Sessions that are over, by id. */
  readonly ends = new Map<string, End>();
  readonly #open = new Map<string, SessionInfo>();
  readonly #fault: (sentence: string) => void;
  readonly #crashesMax: number;
  #emptied: (() => void) | undefined;

  /** More crashes than `crashesMax`, and every other error, are faults. */
  constructor(server: Server<Numbered>, crashesMax: number, fault: (sentence: string) => void) {
    this.#crashesMax = crashesMax;
    this.#fault = fault;
    server.on('session', (info) => this.#began(info));
    server.on('end', (info, end) => this.#ended(info, end));
    server.on('gap', () => fault('a server session says that its client lost history'));
    server.on('error', (error) => this.#failed(error));
    server.on('up', (_, { resumed }) => {
      const { relays, connections } = server.counts;
      if (resumed && relays > 0) this.relayed += 1;
      if (resumed && connections > relays) this.atHome += 1;
    });
  }

  /** Sessions that have begun and not ended. */
  get open(): SessionInfo[] {
    return [...this.#open.values()];
  }

  /** Where a session lives; undefined when it has ended. */
  shardOf(id: string): number | undefined {
    return this.#open.get(id)?.shard;
  }

  /** Resolves when no session is open. */
  async allEnded(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => (this.#emptied = resolve));
  }

  #began(info: SessionInfo): void {
    const { id } = info;
    if (this.#open.has(id) || this.ends.has(id)) this.#fault(`session ${id} began twice`);
    this.#open.set(id, info);
  }

  #ended({ id }: SessionInfo, end: End): void {
    if (!this.#open.delete(id)) this.#fault(`session ${id} ended ${this.ends.has(id) ? 'twice' : 'without a begin'}`);
    this.ends.set(id, end);
    if (this.#open.size === 0) this.#emptied?.();
  }

  #failed(error: HomingError): void {
    if (error.code !== 'ShardCrashed') return this.#fault(`${error.code}: ${error.message}`);
    this.crashSentences.push(error.message);
    this.crashes.count();
    if (this.crashes.value > this.#crashesMax) this.#fault(`one shard too many has ended: ${error.message}`);
  }
}
