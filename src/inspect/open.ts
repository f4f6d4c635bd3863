/** Opens an inspector: an HTTP server with the page, its WebSocket, the frames for Stately's tools, metrics and a snapshot. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { InspectReport, InspectSource } from '../actors/events.ts';
import { takePulse } from '../actors/pulse.ts';
import { Tally } from '../actors/tally.ts';
import { HomingError } from '../errors.ts';
import { Access, TOKEN_COOKIE, isLoopback } from './access.ts';
import { Counters } from './counters.ts';
import { Hub } from './hub.ts';
import type { Inspector, InspectorOptions } from './inspector.ts';
import { LiveSession } from './live-session.ts';
import { METRICS_TYPE, metricsText } from './metrics.ts';
import { pageFiles, pageHeaders } from './page.ts';
import { statelyPage, statelyScript, statelyStyle } from './stately-page.ts';
import { StatelySession } from './stately-session.ts';
import { Viewer } from './viewer.ts';

/** A request of a viewer is short. */
const REQUEST_BYTES_MAX = 16_384;

/** How often the pulse of this thread is taken. */
const PULSE_MS = 250;

/** Rows of a snapshot at most. */
const SNAPSHOT_ROWS = 200;

/**
 * Opens an inspector. Rejects with `BadOption` for a host beyond this machine without a token, `AddressInUse` or
 * `ListenFailed`.
 */
export async function openInspector(options: InspectorOptions): Promise<Inspector> {
  const { host = '127.0.0.1', token, port } = options;
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new HomingError('BadOption', `expected inspect.port to be a whole number up to 65535, got ${String(port)}`);
  if (!isLoopback(host) && (token === undefined || token === '')) {
    throw new HomingError('BadOption', `expected a token for an inspector at ${host}: it is not this machine alone`);
  }
  const opened = new OpenInspector(options);
  await opened.listen(host, port);
  return opened;
}

class OpenInspector implements Inspector {
  readonly #options: InspectorOptions;
  readonly #hub = new Hub();
  readonly #files = pageFiles();
  readonly #tally = new Tally();
  readonly #pulse = takePulse(this.#tally, PULSE_MS).unref();
  /** The thread that this runs on. */
  readonly #self = new Counters({ place: 'main', generation: 1, memory: this.#tally.memory, order: () => {} });
  readonly #server: Server;
  readonly #sockets: WebSocketServer;
  #access: Access | undefined;
  #host = '';
  #port = 0;

  constructor(options: InspectorOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) =>
      this.#upgrade(request, socket, head),
    );
    // Nobody who looks keeps the process alive.
    this.#server.on('connection', (socket) => socket.unref());
    this.#sockets = new WebSocketServer({ noServer: true, maxPayload: REQUEST_BYTES_MAX });
  }

  get host(): string {
    return this.#host;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    const name = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `http://${name}:${this.#port}/`;
  }

  async listen(host: string, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const code = error.code === 'EADDRINUSE' ? 'AddressInUse' : 'ListenFailed';
        reject(
          new HomingError(code, `the inspector cannot listen at ${host}:${port}: ${error.message}`, { cause: error }),
        );
      });
      this.#server.listen(port, host, resolve);
    });
    this.#server.unref();
    this.#server.on('error', () => {});
    this.#host = host;
    this.#port = (this.#server.address() as AddressInfo).port;
    this.#access = new Access({ host, token: this.#options.token }, this.#port);
  }

  join(source: InspectSource): { readonly told: (report: InspectReport) => void; readonly leave: () => void } {
    return this.#hub.join(source);
  }

  async close(): Promise<void> {
    this.#hub.close();
    clearInterval(this.#pulse);
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  // ---- requests

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    const refusal = this.#access?.refusal(request, url);
    if (refusal !== undefined) return answer(response, refusal, 'text/plain', refusals[refusal]);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return answer(response, 405, 'text/plain', 'only GET and HEAD are answered');
    const token = url.searchParams.get('token');
    if (token !== null && this.#options.token !== undefined) return this.#keepToken(response, url, token);
    if (url.pathname === '/metrics') return answer(response, 200, METRICS_TYPE, this.#metrics());
    if (url.pathname === '/snapshot.json')
      return answer(response, 200, 'application/json', JSON.stringify(await this.#snapshot()));
    const stately = statelyFiles[url.pathname];
    if (stately !== undefined) return answer(response, 200, stately.type, stately.body, framesStately);
    const file = this.#files.get(url.pathname);
    if (file === undefined) return answer(response, 404, 'text/plain', 'there is nothing here');
    if (request.headers['if-none-match'] === file.etag) {
      response.writeHead(304, { ETag: file.etag, ...pageHeaders });
      return void response.end();
    }
    response.writeHead(200, { 'Content-Type': file.contentType, ETag: file.etag, ...pageHeaders });
    response.end(request.method === 'HEAD' ? undefined : file.bytes);
  }

  #metrics(): string {
    const { loopLagSeconds, heapBytes, startedSeconds } = this.#self.read();
    return metricsText(this.#hub.fleet(), { place: 'main', loopLagSeconds, heapBytes, startedSeconds });
  }

  /** The token moves from the address, which is kept and shown, into a cookie. */
  #keepToken(response: ServerResponse, url: URL, token: string): void {
    url.searchParams.delete('token');
    const cookie = `${TOKEN_COOKIE}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`;
    response.writeHead(303, { 'Set-Cookie': cookie, Location: url.pathname + url.search, ...pageHeaders });
    response.end();
  }

  async #snapshot(): Promise<object> {
    const shards = this.#hub.fleet();
    const { total, rows } = await this.#hub.list(undefined, {}, SNAPSHOT_ROWS);
    return this.#redacted({ atMs: Date.now(), node: this.#node, shards, total, rows }) as object;
  }

  // ---- WebSockets

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const url = new URL(request.url ?? '/', this.url);
    const isKnown = url.pathname === '/live' || url.pathname === '/stately';
    const refusal = isKnown ? this.#access?.refusal(request, url) : 404;
    // Its peer may be gone in the middle of this.
    socket.on('error', () => socket.destroy());
    if (refusal !== undefined) return void socket.end(`HTTP/1.1 ${refusal} Refused\r\nConnection: close\r\n\r\n`);
    this.#sockets.handleUpgrade(request, socket, head, (opened) => this.#opened(opened, url));
  }

  #opened(socket: WebSocket, url: URL): void {
    const isStately = url.pathname === '/stately';
    const viewer = new Viewer(socket, !isStately);
    const send = (frame: object): void => viewer.send(this.#redacted(frame) as object);
    const parts = { hub: this.#hub, send, node: this.#node, mayCut: this.#options.mayCut === true };
    const session = isStately
      ? new StatelySession(parts, url.searchParams.get('watch') ?? undefined)
      : new LiveSession(parts);
    socket.on('message', (data: Buffer) => session.take(data.toString()));
    socket.on('close', () => session.close());
    socket.on('error', () => socket.terminate());
  }

  get #node(): string {
    return this.#options.node ?? String(process.pid);
  }

  #redacted(value: unknown): unknown {
    const { redact } = this.#options;
    return redact === undefined ? value : redact(value);
  }
}

const refusals = {
  401: 'a token is needed: open the address with ?token=… once',
  403: 'pages of other origins may not look',
  421: 'this is not the host that the inspector listens at',
} as const;

/** The page that shows Stately's own inspector has its site in a frame. */
const framesStately = {
  'content-security-policy': `${pageHeaders['content-security-policy'] ?? ''}; frame-src https://stately.ai`,
};

const statelyFiles: Readonly<Record<string, { readonly type: string; readonly body: string }>> = {
  '/stately.html': { type: 'text/html; charset=utf-8', body: statelyPage },
  '/stately.css': { type: 'text/css; charset=utf-8', body: statelyStyle },
  '/stately.js': { type: 'text/javascript; charset=utf-8', body: statelyScript },
};

function answer(
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  more: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'Content-Type': type, ...pageHeaders, 'cache-control': 'no-store', ...more });
  response.end(body);
}
