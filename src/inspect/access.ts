/**
 * Who may look: requests must name the host that the inspector listens at, pages of other origins are turned away, and where a
 * token is set it must be shown. The first two keep a page in the same browser from reaching a port of loopback (DNS
 * rebinding, cross-site WebSockets).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The cookie in which a token that came in an address is kept. */
export const TOKEN_COOKIE = 'homing_inspector';

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]'];

/** What is asked of a request. */
export interface AccessOptions {
  readonly host: string;
  readonly token: string | undefined;
}

/** Whether a host is this machine alone. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/u.test(host);
}

/** Judges requests to one listening port. */
export class Access {
  readonly #names: ReadonlySet<string>;
  readonly #digest: Buffer | undefined;

  constructor({ host, token }: AccessOptions, port: number) {
    const own = host.includes(':') ? `[${host}]` : host;
    const names = isLoopback(host) ? [...LOOPBACK_NAMES, own] : [own];
    this.#names = new Set(names.map((name) => `${name}:${port}`));
    this.#digest = token === undefined ? undefined : digestOf(token);
  }

  /** Why a request is turned away, as a status of HTTP; undefined when it is not. */
  refusal(request: IncomingMessage, url: URL): 401 | 403 | 421 | undefined {
    const { host = '', origin } = request.headers;
    // On all addresses of a machine nobody knows the names by which it is called; the token is what counts there.
    if (!this.#isAnyAddress && !this.#names.has(host.toLowerCase())) return 421;
    if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) return 403;
    return this.#digest === undefined || this.#shows(request, url, this.#digest) ? undefined : 401;
  }

  get #isAnyAddress(): boolean {
    return [...this.#names].some((name) => name.startsWith('0.0.0.0:') || name.startsWith('[::]:'));
  }

  #shows(request: IncomingMessage, url: URL, digest: Buffer): boolean {
    const { authorization = '', cookie = '' } = request.headers;
    const shown = [
      url.searchParams.get('token') ?? '',
      authorization.startsWith('Bearer ') ? authorization.slice('Bearer '.length) : '',
      ...cookie.split(';').map((each) => {
        const [name, value = ''] = each.trim().split('=');
        return name === TOKEN_COOKIE ? decodeURIComponent(value) : '';
      }),
    ];
    return shown.some((token) => timingSafeEqual(digestOf(token), digest));
  }
}

/** Of one length, whatever was shown. */
function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
