/**
 * TLS around a socket, for both roles. The secure context is made once per door or address, not per connection. A server
 * socket made by hand checks nothing by itself: Node leaves the verdict on a client's certificate to `tls.Server`, so it is
 * asked for here, before the line opens.
 */
import { constants } from 'node:crypto';
import { type Socket, isIP } from 'node:net';
import { type PeerCertificate, type SecureContext, TLSSocket, connect, createSecureContext } from 'node:tls';
import { HomingError } from '../errors.ts';

/** A key, certificate or the like: PEM text, PEM or DER bytes, or several of them. */
export type TlsMaterial = string | Uint8Array | readonly (string | Uint8Array)[];

/** A version of TLS. */
export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

/** TLS for a listener or a client, under the names that `node:tls` uses. */
export interface TlsOptions {
  /** The private key, PEM. A server needs it; a client does where the server asks for a certificate. */
  readonly key?: TlsMaterial | undefined;
  /** The certificate that belongs to `key`, PEM, followed by those between it and the authority. */
  readonly cert?: TlsMaterial | undefined;
  /** Key and certificate in one, PKCS #12, instead of `key` and `cert`. */
  readonly pfx?: TlsMaterial | undefined;
  /** Opens `key` or `pfx` if it is encrypted. */
  readonly passphrase?: string | undefined;
  /** The authorities that are believed, PEM; the well-known ones that Node brings unless given. */
  readonly ca?: TlsMaterial | undefined;
  /** Lists of revoked certificates, PEM. */
  readonly crl?: TlsMaterial | undefined;
  /** Server: asks for a certificate of the client, which the hook `authenticate` then sees as `peer.certificate`. */
  readonly requestCert?: boolean | undefined;
  /**
   * False: goes on although the peer's certificate is missing, not issued by `ca`, or of another host; it is then not
   * shown. True unless given: a server refuses such a client only where it asks with `requestCert`.
   */
  readonly rejectUnauthorized?: boolean | undefined;
  /** Client: the host name to ask for and to find in the certificate; the host that is dialled unless given. */
  readonly servername?: string | undefined;
  /** Protocol names to agree on, best first, for what stands between and tells them apart. */
  readonly ALPNProtocols?: readonly string[] | undefined;
  /** TLS 1.3 unless given here, or less in `maxVersion`. */
  readonly minVersion?: TlsVersion | undefined;
  readonly maxVersion?: TlsVersion | undefined;
  /** Cipher suites, as OpenSSL writes them. */
  readonly ciphers?: string | undefined;
  /** Curves, as OpenSSL writes them. */
  readonly ecdhCurve?: string | undefined;
  /** Signature algorithms, as OpenSSL writes them. */
  readonly sigalgs?: string | undefined;
  /** Server: gives the context for the host name a client asks for. On the calling thread only (`shards: 0`). */
  readonly SNICallback?:
    ((servername: string, done: (error: Error | null, context?: SecureContext) => void) => void) | undefined;
  /** Client: judges the host name in the server's certificate in Node's place. On the calling thread only. */
  readonly checkServerIdentity?: ((host: string, certificate: PeerCertificate) => Error | undefined) | undefined;
  /** A context that is there already, instead of keys, authorities, versions and ciphers. On the calling thread only. */
  readonly secureContext?: SecureContext | undefined;
}

/** TLS options with the context made of them, for any number of connections. */
export interface TlsTerms {
  readonly options: TlsOptions;
  readonly context: SecureContext;
}

/** Makes the terms of a door. Throws `BadOption` for a server without key and certificate, or for what OpenSSL refuses. */
export function tlsTerms(options: TlsOptions): TlsTerms {
  const { key, cert, pfx, secureContext, SNICallback } = options;
  const isKeyed = (key !== undefined && cert !== undefined) || pfx !== undefined;
  if (!isKeyed && secureContext === undefined && SNICallback === undefined) {
    throw new HomingError('BadOption', 'expected tls of a server to have key and cert, or pfx');
  }
  return dialTerms(options);
}

/** Makes the terms of an address that is dialled. Throws `BadOption` for what OpenSSL refuses. */
export function dialTerms(options: TlsOptions): TlsTerms {
  const { secureContext, minVersion, maxVersion } = options;
  if (secureContext !== undefined) return { options, context: secureContext };
  const material = { ...options, minVersion: minVersion ?? maxVersion ?? 'TLSv1.3' };
  if (material.minVersion === 'TLSv1.3' && maxVersion === 'TLSv1.2') {
    throw new HomingError('BadOption', 'expected tls minVersion not to be above maxVersion');
  }
  try {
    const context = createSecureContext({
      ...(material as Parameters<typeof createSecureContext>[0]),
      // No tickets: a connection that TLS itself resumes would show the certificate of back then, unchecked.
      secureOptions: constants.SSL_OP_NO_TICKET,
    });
    return { options, context };
  } catch (error) {
    const sentence = `expected tls options that OpenSSL takes: ${asError(error).message.trim()}`;
    throw new HomingError('BadOption', sentence, { cause: error });
  }
}

/** Checks options that have to reach another thread. Throws `BadOption` with the name of what cannot. */
export function checkCloneable(options: TlsOptions): void {
  for (const [name, value] of Object.entries(options)) {
    try {
      structuredClone(value);
    } catch (error) {
      const found = `${name} is a ${typeof value === 'object' ? 'living object' : typeof value}`;
      const sentence = `expected tls options that can be sent to a shard, but ${found}; without shards (shards: 0) it works`;
      throw new HomingError('BadOption', sentence, { cause: error });
    }
  }
}

/** Starts TLS to a server. It is ready with `secureConnect`, the certificate verified unless that was switched off. */
export function connectTls(to: { host: string; port: number } | { path: string }, terms: TlsTerms): TLSSocket {
  const { options, context } = terms;
  const { servername = 'host' in to && isIP(to.host) === 0 ? to.host : undefined, ALPNProtocols } = options;
  const { checkServerIdentity } = options;
  return connect({
    ...to,
    secureContext: context,
    rejectUnauthorized: options.rejectUnauthorized !== false,
    ...(servername === undefined ? {} : { servername }),
    ...(ALPNProtocols === undefined ? {} : { ALPNProtocols: [...ALPNProtocols] }),
    ...(checkServerIdentity === undefined ? {} : { checkServerIdentity: guarded(checkServerIdentity) }),
  });
}

/** Starts TLS on an accepted socket that nothing was read from. It is ready with `secure`; ask `refusalOf` then. */
export function acceptTls(socket: Socket, terms: TlsTerms): TLSSocket {
  const { options, context } = terms;
  const { requestCert = false, ALPNProtocols, SNICallback } = options;
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    requestCert,
    rejectUnauthorized: isStrict(options),
    ...(ALPNProtocols === undefined ? {} : { ALPNProtocols: [...ALPNProtocols] }),
    ...(SNICallback === undefined ? {} : { SNICallback }),
  });
  // Of a server socket made by hand Node tells errors after the handshake under this name only.
  secured.on('_tlsError', (error: Error) => secured.destroy(error));
  return secured;
}

/** After `secure` on an accepted socket: why its client is refused, if it is. Notes on the socket whether it was verified. */
export function refusalOf(secured: TLSSocket, terms: TlsTerms): Error | undefined {
  if (terms.options.requestCert !== true) return undefined;
  const fault = faultOf(secured);
  secured.authorized = fault === undefined;
  return isStrict(terms.options) ? fault : undefined;
}

function isStrict({ requestCert, rejectUnauthorized }: TlsOptions): boolean {
  return requestCert === true && rejectUnauthorized !== false;
}

/** What `tls.Server` asks, too; nothing public tells it of a socket made by hand. No answer counts as a fault. */
function faultOf(secured: TLSSocket): Error | undefined {
  const { ssl } = secured as unknown as { readonly ssl?: { verifyError?(): Error | null | undefined } | null };
  if (typeof ssl?.verifyError !== 'function') return new HomingError('line-lost', 'the socket closed in its handshake');
  return ssl.verifyError() ?? undefined;
}

type CheckIdentity = NonNullable<TlsOptions['checkServerIdentity']>;

/** A throw in this callback would end the process; of a throw in SNICallback Node makes an error by itself. */
function guarded(check: CheckIdentity): CheckIdentity {
  return (host, certificate) => {
    try {
      return check(host, certificate);
    } catch (error) {
      return asError(error);
    }
  };
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
