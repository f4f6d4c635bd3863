/** What is known of the two ends of a stream: its addresses, whether bytes can be altered between them, and who the peer is. */
import type { Duplex } from 'node:stream';
import { Socket } from 'node:net';
import { type PeerCertificate, TLSSocket } from 'node:tls';
import type { LineEnds } from '../actors/ports.ts';

/** A verified certificate of a peer as plain data: it can be cloned and sent to another thread. */
export interface Certificate {
  /** The fields of the subject by their short names (`CN`, `O`, …); a field that occurs more than once is a list. */
  readonly subject: Readonly<Record<string, string | readonly string[]>>;
  /** The fields of the issuer. */
  readonly issuer: Readonly<Record<string, string | readonly string[]>>;
  /** Names the certificate holds for, as Node writes them: `DNS:a.example, IP Address:127.0.0.1`. */
  readonly subjectaltname: string | undefined;
  /** SHA-256 of the certificate, in pairs of hexadecimal digits with colons between. */
  readonly fingerprint256: string;
  /** In hexadecimal digits. */
  readonly serialNumber: string;
  /** As Node writes it: `Jan  1 00:00:00 2026 GMT`. */
  readonly valid_from: string;
  readonly valid_to: string;
  /** The certificate in DER; a copy. */
  readonly raw: Uint8Array;
}

/** The ends of a stream that has none, or does not know them yet. */
export const NOWHERE: LineEnds = {
  remoteAddress: '',
  remotePort: 0,
  localAddress: '',
  localPort: 0,
  isTrusted: true,
  certificate: undefined,
};

/** The ends of an open stream. A certificate that was not verified is left out. */
export function endsOf(stream: Duplex): LineEnds {
  if (!(stream instanceof Socket)) return NOWHERE;
  const { remoteAddress = '', remotePort = 0, localAddress = '', localPort = 0 } = stream;
  const isEncrypted = stream instanceof TLSSocket;
  return {
    remoteAddress,
    remotePort,
    localAddress,
    localPort,
    isTrusted: isEncrypted || remoteAddress === '' || isLoopback(remoteAddress),
    certificate: isEncrypted && stream.authorized ? plainCertificate(stream.getPeerCertificate()) : undefined,
  };
}

/** Whether an address or host name never leaves this machine. */
export function isLoopback(host: string): boolean {
  const plain = host.toLowerCase().replace(/^::ffff:/u, '');
  return plain === 'localhost' || plain === '::1' || /^127(?:\.\d{1,3}){3}$/u.test(plain);
}

/** Without a certificate Node gives an object without fields, or null once the socket is gone. */
function plainCertificate(shown: Partial<PeerCertificate> | null): Certificate | undefined {
  if (shown?.raw === undefined) return undefined;
  const { subject, issuer, subjectaltname, raw } = shown;
  const { fingerprint256 = '', serialNumber = '', valid_from = '', valid_to = '' } = shown;
  return {
    subject: namesOf(subject),
    issuer: namesOf(issuer),
    subjectaltname,
    fingerprint256,
    serialNumber,
    valid_from,
    valid_to,
    raw: Uint8Array.from(raw),
  };
}

function namesOf(fields: object | undefined): Record<string, string | readonly string[]> {
  return Object.fromEntries(Object.entries(fields ?? {}) as [string, string | readonly string[]][]);
}
