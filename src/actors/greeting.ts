/** The client's HELLO: what it claims, shows and proves, and whether the answer proves that it was read. */
import { isProven } from '../session/proof.ts';
import type { Room } from '../session/intake.ts';
import type { Session } from '../session/session.ts';
import { Codec } from '../wire/codec.ts';
import { type Claim, Feature, PROTOCOL_VERSION, type Proven, encodeHello } from '../wire/control.ts';
import { copyOf } from '../wire/frame.ts';
import { defaultWireLimits } from '../wire/limits.ts';
import type { Settings } from './options.ts';
import type { Host, LineEnds } from './ports.ts';

const NO_BYTES = new Uint8Array(0);

/** The HELLOs of one client, numbered as they are made. */
export class Greeting {
  /** The body of the HELLO made last; empty while the connection has none. */
  hello: Uint8Array = NO_BYTES;
  readonly #host: Host;
  readonly #settings: Settings;
  // Encodes the credentials only, which no end has announced limits for: they keep within the defaults.
  readonly #codec = new Codec(defaultWireLimits);
  readonly #showsAddress: boolean;
  #dialNumber = 0;

  /** `showsAddress`: the client dialled by host and port, so the server may name a port beside that one. */
  constructor(host: Host, settings: Settings, showsAddress: boolean) {
    this.#host = host;
    this.#settings = settings;
    this.#showsAddress = showsAddress;
  }

  /** Makes the next HELLO. Throws `NotEncodable` or `MessageTooLarge` when the credentials cannot cross. */
  prepare(session: Session, ends: LineEnds, credentials: unknown, mode: Claim['mode']): void {
    const codec = this.#codec;
    const settings = this.#settings;
    const { id, secret, epoch, orderedReceived, cursor, directReceived } = session;
    codec.encode(credentials, 'credentials');
    this.#dialNumber += 1;
    const claim = id === undefined ? undefined : { mode, id, epoch, orderedReceived, cursor, directReceived };
    const wantsChecksum = settings.checksum ?? !ends.isTrusted;
    const hello = {
      versionMin: PROTOCOL_VERSION,
      versionMax: PROTOCOL_VERSION,
      ...termsOf(settings, wantsChecksum ? Feature.CHECKSUM : 0, settings.lingerMs, session.room),
      dialNumber: this.#dialNumber,
      seenAddress: this.#showsAddress ? ends.remoteAddress : '',
      seenPort: this.#showsAddress ? ends.remotePort : 0,
      claim,
      credentials: copyOf(codec.scratch, codec.start, codec.end),
    };
    this.hello = encodeHello(hello, (unsigned) => this.#host.secrets.sign(secret, unsigned));
  }

  /** A new connection begins: nothing was said on it. */
  forget(): void {
    this.hello = NO_BYTES;
  }

  /** Whether an answer was made by somebody who knows the secret and got this HELLO. */
  isProven(secret: Uint8Array, answer: Proven): boolean {
    return isProven(this.#host.secrets, secret, answer.mac, this.hello, answer.unsigned);
  }
}

/** What an end announces of itself in HELLO and WELCOME. */
export function termsOf(settings: Settings, features: number, lingerMs: number, room: Room) {
  return {
    features,
    heartbeatIntervalMs: settings.heartbeat.intervalMs,
    heartbeatTimeoutMs: settings.heartbeat.timeoutMs,
    lingerMs,
    messageBytes: settings.limits.messageBytes,
    depth: settings.limits.depth,
    windowMessages: room.grantedMessages,
    windowBytes: room.grantedBytes,
  };
}
