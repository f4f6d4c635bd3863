/** Opens an inspector: an HTTP server with the page, its WebSocket, the frames for Stately's tools, metrics and a snapshot. */
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { InspectReport, InspectSource } from '../actors/events.ts';
import { HomingError } from '../errors.ts';
import { Access, TOKEN_COOKIE, isLoopback } from './access.ts';
import { Hub } from './hub.ts';
import type { Inspector, InspectorOptions } from './inspector.ts';
import { LiveSession } from './live-session.ts';
import { metricsText } from './metrics.ts';
import { pageFile } from './page.ts';
import { StatelySession } from './stately-session.ts';
import { Viewer } from './viewer.ts';

/** A request of a viewer is short. */
const REQUEST_BYTES_MAX = 16_384;

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
    if (url.pathname === '/metrics')
      return answer(response, 200, 'text/plain; version=0.0.4; charset=utf-8', metricsText(this.#hub.fleet()));
    if (url.pathname === '/snapshot.json')
      return answer(response, 200, 'application/json', JSON.stringify(await this.#snapshot()));
    const file = await pageFile(url.pathname);
    if (file === undefined) return answer(response, 404, 'text/plain', 'there is nothing here');
    answer(response, 200, file.type, file.body);
  }

  /** The token moves from the address, which is kept and shown, into a cookie. */
  #keepToken(response: ServerResponse, url: URL, token: string): void {
    url.searchParams.delete('token');
    const cookie = `${TOKEN_COOKIE}=${encodeURIComponent(token)}; HttpOnly; SameSite=Strict; Path=/`;
    response.writeHead(303, { 'Set-Cookie': cookie, Location: url.pathname + url.search, ...safeHeaders });
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

/** What every answer says of itself to a browser. */
const safeHeaders = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; frame-src https://stately.ai; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

function answer(response: ServerResponse, status: number, type: string, body: string | Uint8Array): void {
  response.writeHead(status, { 'Content-Type': type, ...safeHeaders });
  response.end(body);
}
