/**
 * A hub that only the page can tell from a real one: it serves the page's files and plays a `FakeFleet` over `/live`. Tests ask it
 * what it said, let it lose its viewers, and let it go and come back on the same port.
 */
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { HubFrame, MachineConfig, ConnectionRow, SeriesName, ViewerFrame } from '../../src/inspect/frames.ts';
import { pageFiles, pageHeaders } from '../../src/inspect/page.ts';
import { acceptingMachine } from '../../src/machines/accepting.ts';
import { diallingMachine } from '../../src/machines/dialling.ts';
import { FakeFleet, type FleetPlan } from './fake-fleet.ts';

const EVERY_MS = 250;
/** How often the fleet moves on. */
const STEP_MS = 80;
const HISTORY = 300;

interface Viewer {
  readonly socket: WebSocket;
  readonly watched: Set<string>;
}

/** How the hub behaves. */
export interface HubPlan extends FleetPlan {
  readonly mayCut: boolean;
}

/** One hub on a free port of the loopback. */
export class FakeHub {
  readonly fleet: FakeFleet;
  /** Whether what is watched is kept from viewers, as from those who are too slow. */
  leavesOut = false;
  readonly #plan: HubPlan;
  readonly #files = pageFiles();
  readonly #viewers = new Set<Viewer>();
  #http: Server;
  #port = 0;
  readonly #timers: readonly NodeJS.Timeout[];

  private constructor(plan: HubPlan) {
    this.#plan = plan;
    this.fleet = new FakeFleet(plan, {
      nowMs: Date.now(),
      listener: (event, { connection, session }) => {
        for (const viewer of this.#viewers)
          for (const id of [connection, session])
            if (viewer.watched.has(id) && !this.leavesOut) say(viewer, { type: 'watched', id, events: [event] });
      },
    });
    this.#http = this.#serve();
    this.#timers = [setInterval(() => this.fleet.step(Date.now()), STEP_MS), setInterval(() => this.#tell(), EVERY_MS)];
  }

  /** Starts one; it stops with `close`. */
  static async start(plan: HubPlan): Promise<FakeHub> {
    const hub = new FakeHub(plan);
    await hub.#listen();
    return hub;
  }

  /** Where the page is. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/`;
  }

  /** How many pages look at it now. */
  get viewerCount(): number {
    return this.#viewers.size;
  }

  /** Says something to all viewers that a fleet of no trouble never says. */
  tell(frame: HubFrame): void {
    for (const viewer of this.#viewers) say(viewer, frame);
  }

  /** Loses all viewers without a goodbye; they may come back at once. */
  dropViewers(): void {
    for (const { socket } of this.#viewers) socket.terminate();
    this.#viewers.clear();
  }

  /** Is away until `comeBack`. */
  async goAway(): Promise<void> {
    this.dropViewers();
    this.#http.closeAllConnections();
    const closed = once(this.#http, 'close');
    this.#http.close();
    await closed;
  }

  /** Is there again, on the same port. */
  async comeBack(): Promise<void> {
    this.#http = this.#serve();
    await this.#listen();
  }

  /** Ends the hub and what it holds. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.goAway();
  }

  async #listen(): Promise<void> {
    this.#http.listen(this.#port, '127.0.0.1');
    await once(this.#http, 'listening');
    this.#port = (this.#http.address() as AddressInfo).port;
  }

  #serve(): Server {
    const http = createServer((request, response) => this.#answer(request, response));
    const sockets = new WebSocketServer({ server: http, path: '/live' });
    sockets.on('connection', (socket) => this.#welcome(socket));
    return http;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const file = this.#files.get(new URL(request.url ?? '/', this.url).pathname);
    if (file === undefined) response.writeHead(404, pageHeaders).end();
    else response.writeHead(200, { ...pageHeaders, 'content-type': file.contentType, etag: file.etag }).end(file.bytes);
  }

  #welcome(socket: WebSocket): void {
    const viewer: Viewer = { socket, watched: new Set() };
    this.#viewers.add(viewer);
    socket.on('close', () => this.#viewers.delete(viewer));
    socket.on('message', (text: Buffer) => this.#hear(viewer, JSON.parse(text.toString()) as ViewerFrame));
    const machines = { accepting: configOf(acceptingMachine.config), dialling: configOf(diallingMachine.config) };
    const { mayCut } = this.#plan;
    say(viewer, { type: 'hello', node: 'fake-hub', version: '0.1.0', mayCut, machines, everyMs: EVERY_MS });
    say(viewer, this.#history());
    say(viewer, this.#fleetFrame());
  }

  #hear(viewer: Viewer, frame: ViewerFrame): void {
    switch (frame.type) {
      case 'list': {
        const rows = this.fleet.rows((row) => fits(row, frame));
        say(viewer, { type: 'rows', ask: frame.ask, total: rows.length, rows: rows.slice(0, frame.limit) });
        return;
      }
      case 'watch': {
        const events = this.fleet.pastOf(frame.id);
        if (events === undefined)
          return say(viewer, { type: 'gone', id: frame.id, why: 'no such connection or session' });
        const isWhole = viewer.watched.has(frame.id);
        viewer.watched.add(frame.id);
        say(viewer, { type: 'watched', id: frame.id, events, isWhole });
        this.#detail(viewer, frame.id);
        return;
      }
      case 'unwatch':
        viewer.watched.delete(frame.id);
        return;
      case 'cut':
        if (!this.#plan.mayCut) say(viewer, { type: 'failed', message: 'this hub does not allow cuts' });
        else if (!this.fleet.cut(frame.id)) say(viewer, { type: 'failed', message: `${frame.id} is not up` });
    }
  }

  #tell(): void {
    const frame = this.#fleetFrame();
    for (const viewer of this.#viewers) {
      say(viewer, frame);
      for (const id of viewer.watched) this.#detail(viewer, id);
    }
  }

  #detail(viewer: Viewer, id: string): void {
    const detail = this.fleet.detailOf(id);
    if (detail !== undefined) say(viewer, { type: 'detail', id, place: '0', atMs: Date.now(), ...detail });
  }

  #fleetFrame(): HubFrame {
    return { type: 'fleet', atMs: Date.now(), shards: this.fleet.shards() };
  }

  #history(): HubFrame {
    const wave = (size: number, turns: number): number[] =>
      Array.from({ length: HISTORY }, (_, at) =>
        Math.round(size * (1 + 0.25 * Math.sin((at * turns) / 40) + 0.05 * Math.cos(at * 0.9) * Math.sin(at * at))),
      );
    const size = this.fleet.rows(() => true).length;
    const series: Partial<Record<SeriesName, number[]>> = {
      messagesIn: wave(size * 2, 1),
      messagesOut: wave(size * 2, 1.3),
      acked: wave(size * 2, 1.3),
      cuts: wave(8, 2).map((count, at) => (at % 70 < 6 ? count * 3 : Math.floor(count / 4))),
      resumes: wave(8, 2).map((count, at) => (at % 70 > 2 && at % 70 < 9 ? count * 3 : Math.floor(count / 4))),
      outboxMessages: wave(size / 4, 2.4),
      connections: wave(size, 0),
    };
    return { type: 'history', everyMs: 1000, endMs: Date.now(), series };
  }
}

function say({ socket }: Viewer, frame: HubFrame): void {
  socket.send(JSON.stringify(frame));
}

function fits(row: ConnectionRow, query: Extract<ViewerFrame, { type: 'list' }>): boolean {
  const { shard, machine, state, filter = {}, search } = query;
  const words = [row.sessionId, row.identityId, row.address, row.id].join(' ');
  return (
    (shard === undefined || row.id.startsWith(`${shard}/`)) &&
    (machine === undefined || row.machine === machine) &&
    (state === undefined || row.state === state || row.state.startsWith(`${state}.`)) &&
    Object.entries(filter).every(([key, value]) => String(row.store?.[key]) === value) &&
    (search === undefined || words.includes(search))
  );
}

/** A config as it comes over the line. */
function configOf(config: unknown): MachineConfig {
  return JSON.parse(JSON.stringify(config)) as MachineConfig;
}
