/**
 * Certificates for tests, made while they run: an authority of our own and what it issues, P-256, in DER (RFC 5280). Node can
 * read X.509 and sign bytes, but not write a certificate; this writes the few forms that TLS needs.
 */
import { type KeyObject, generateKeyPairSync, randomBytes, sign } from 'node:crypto';

/** A key with its certificate, both PEM. */
export interface Credential {
  readonly key: string;
  readonly cert: string;
}

/** Whom a certificate is for. */
export interface Subject {
  /** The common name. */
  readonly name: string;
  /** Host names it holds for. */
  readonly hosts?: readonly string[];
  /** IPv4 addresses it holds for. */
  readonly addresses?: readonly string[];
  /** Milliseconds since 1970; an hour from now unless given. */
  readonly validUntilMs?: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An authority that signs certificates. Another one of the same name has another key. */
export class Authority {
  readonly #name: string;
  readonly #keys = makeKeys();
  /** Its own certificate, PEM: what an end that believes it has as `ca`. */
  readonly cert: string;

  constructor(name: string) {
    this.#name = name;
    const extension = oneExtension('2.5.29.19', true, der(0x30, der(0x01, Uint8Array.of(0xff))));
    this.cert = this.#sign({ name }, this.#keys.publicKey, extension);
  }

  /** A key and the certificate for it. */
  issue(subject: Subject): Credential {
    const { hosts = [], addresses = [] } = subject;
    const { privateKey, publicKey } = makeKeys();
    const names = [
      ...hosts.map((host) => der(0x82, Buffer.from(host, 'latin1'))),
      ...addresses.map((address) => der(0x87, Uint8Array.from(address.split('.'), Number))),
    ];
    const extension = names.length === 0 ? new Uint8Array(0) : oneExtension('2.5.29.17', false, der(0x30, ...names));
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    return { key, cert: this.#sign(subject, publicKey, extension) };
  }

  #sign({ name, validUntilMs = Date.now() + HOUR_MS }: Subject, publicKey: KeyObject, extension: Uint8Array): string {
    // ecdsa-with-SHA256
    const algorithm = der(0x30, objectId('1.2.840.10045.4.3.2'));
    const serial = Uint8Array.of(0x01, ...randomBytes(15));
    const body = der(
      0x30,
      der(0xa0, der(0x02, Uint8Array.of(2))),
      der(0x02, serial),
      algorithm,
      nameOf(this.#name),
      der(0x30, timeOf(validUntilMs - DAY_MS), timeOf(validUntilMs)),
      nameOf(name),
      publicKey.export({ type: 'spki', format: 'der' }),
      ...(extension.length === 0 ? [] : [der(0xa3, der(0x30, extension))]),
    );
    const signature = sign('sha256', body, this.#keys.privateKey);
    return pemOf(der(0x30, body, algorithm, der(0x03, Uint8Array.of(0), signature)));
  }
}

function makeKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

/** A name with a common name alone. */
function nameOf(commonName: string): Uint8Array {
  const field = der(0x30, objectId('2.5.4.3'), der(0x0c, Buffer.from(commonName, 'utf8')));
  return der(0x30, der(0x31, field));
}

/** UTCTime: two digits of the year. */
function timeOf(ms: number): Uint8Array {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/gu, '').slice(2, 14);
  return der(0x17, Buffer.from(`${digits}Z`, 'latin1'));
}

function oneExtension(id: string, isCritical: boolean, value: Uint8Array): Uint8Array {
  const critical = isCritical ? [der(0x01, Uint8Array.of(0xff))] : [];
  return der(0x30, objectId(id), ...critical, der(0x04, value));
}

function objectId(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return der(0x06, Uint8Array.from([40 * first + second, ...rest.flatMap(base128)]));
}

function base128(value: number): number[] {
  const digits = [value % 128];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) digits.unshift(128 + (left % 128));
  return digits;
}

/** One element: tag, length, contents. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const contents = Buffer.concat(parts);
  const { length } = contents;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...size), contents]);
}

function pemOf(bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/gu) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
