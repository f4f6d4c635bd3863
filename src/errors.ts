/**
 * The one table of errors. Each has a stable code, says who must act and whether the same thing may work later.
 * Two families of codes exist: error codes (PascalCase) are thrown or reject a promise; end codes (lower case) say
 * why a connection or a session ended, travel in REFUSED and CLOSE frames as numbers, and also reject what waited.
 */

/** Who must act on an error: the calling code, the peer's code, the line between, or this library. */
export type Family = 'caller' | 'peer' | 'line' | 'homing';

interface ErrorRow {
  readonly family: Family;
  readonly retry: boolean;
  readonly meaning: string;
}

/** Errors that are thrown at a caller or reject its promise. */
export const errorTable = {
  OutboxFull: {
    family: 'caller',
    retry: true,
    meaning: 'The outbox is at its bound; wait for writable() or use deliver().',
  },
  MessageTooLarge: {
    family: 'caller',
    retry: false,
    meaning: 'The encoded message is larger than messageBytes of this end or of its peer.',
  },
  NotEncodable: {
    family: 'caller',
    retry: false,
    meaning: 'A value in the message cannot cross; the sentence names its path.',
  },
  BadOption: { family: 'caller', retry: false, meaning: 'An option or argument has a value that is not allowed.' },
  BadAddress: {
    family: 'caller',
    retry: false,
    meaning: 'The address is not a port, host:port, path, stream or connection factory.',
  },
  InsecureHost: {
    family: 'caller',
    retry: false,
    meaning: 'A host other than loopback needs tls, or insecure: true said out loud.',
  },
  AddressInUse: { family: 'caller', retry: true, meaning: 'Another process listens on this port or path.' },
  ListenFailed: { family: 'caller', retry: true, meaning: 'The operating system refused to listen at this address.' },
  Closed: { family: 'caller', retry: false, meaning: 'The handle was closed; make a new one.' },
  NoTurn: { family: 'caller', retry: false, meaning: 'session.turn was read outside the start of a handler.' },
  GapReportSpent: {
    family: 'caller',
    retry: false,
    meaning: 'resend() or discard() was called after the gap listener returned.',
  },
  NoHandler: { family: 'peer', retry: false, meaning: 'The peer processed the event but nothing there listens to it.' },
  InvalidInput: {
    family: 'caller',
    retry: false,
    meaning: 'A schema of the receiving end refuses the arguments; the sentence names each field.',
  },
  WriteRefused: {
    family: 'caller',
    retry: false,
    meaning: 'The server does not take this write to the shared store; the sentence names the key.',
  },
  StoreFull: {
    family: 'caller',
    retry: false,
    meaning: 'The shared store is at its bound of keys or bytes.',
  },
  Forbidden: {
    family: 'caller',
    retry: false,
    meaning: 'authorize() does not let this session address others or see who is present.',
  },
  HeldExpired: {
    family: 'caller',
    retry: true,
    meaning: 'A message held for a group was dropped: nobody matched within holdMs.',
  },
  SessionLost: {
    family: 'line',
    retry: false,
    meaning: 'A function or stream of a session that is gone, or one that was let go.',
  },
  EstablishFailed: {
    family: 'caller',
    retry: true,
    meaning: 'establish() threw; that connection was given up and is dialled again.',
  },
  NoMethod: { family: 'peer', retry: false, meaning: 'The peer exposes no method of this name.' },
  TooManyCalls: {
    family: 'caller',
    retry: true,
    meaning: 'limits.callsInFlight calls have no result yet, at this end or at the peer.',
  },
  HandlerFailed: {
    family: 'peer',
    retry: false,
    meaning: 'A handler threw; the message is settled and will not run again.',
  },
  Deadline: {
    family: 'line',
    retry: true,
    meaning: 'The time allowed for this wait is over; outcome says what is known.',
  },
  Aborted: {
    family: 'caller',
    retry: true,
    meaning: 'The signal given for this wait was aborted; outcome says what is known.',
  },
  OutcomeUnknown: {
    family: 'line',
    retry: false,
    meaning: 'The session ended before the peer confirmed; the message may have been processed.',
  },
  TaskFailed: {
    family: 'caller',
    retry: false,
    meaning: 'A task given to offload() threw, or its thread ended; the cause is its error.',
  },
  ShardCrashed: {
    family: 'caller',
    retry: true,
    meaning: 'A shard ended by itself or hung and was ended; its sessions are lost, another thread takes its place.',
  },
  InvariantBroken: {
    family: 'homing',
    retry: false,
    meaning: 'Something this library relies on was not true; please report it.',
  },
} as const satisfies Record<string, ErrorRow>;

/** A code of `errorTable`. */
export type ErrorCode = keyof typeof errorTable;

/** Whether a code that came from elsewhere is one of this table. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorTable, code);
}

interface EndRow {
  /** The number in REFUSED and CLOSE frames: 100–199 may be retried, 200–299 are terminal. */
  readonly wire: number;
  readonly family: Family;
  readonly meaning: string;
}

/** Why connections end. Numbers below 200 are the retry class, the others are terminal for who receives them. */
export const endTable = {
  'line-lost': { wire: 100, family: 'line', meaning: 'The socket closed without a farewell.' },
  'going-away': {
    wire: 101,
    family: 'peer',
    meaning: 'The peer is draining or shutting down; come back, here or elsewhere.',
  },
  'handshake-timeout': { wire: 102, family: 'line', meaning: 'The handshake did not finish in handshakeMs.' },
  silent: { wire: 103, family: 'line', meaning: 'Nothing was heard for heartbeat.timeoutMs.' },
  overloaded: { wire: 104, family: 'peer', meaning: 'A bound on handshakes, connections or sessions is reached.' },
  'try-later': { wire: 105, family: 'peer', meaning: 'The authentication hook asks to come back later.' },
  'dial-failed': { wire: 106, family: 'line', meaning: 'The socket could not be opened.' },
  disconnected: {
    wire: 107,
    family: 'caller',
    meaning: 'This end let go of the connection on request; the session lives on.',
  },
  'history-lost': {
    wire: 108,
    family: 'peer',
    meaning: 'The positions of the two ends cannot both be true: one end lost memory. A new epoch follows.',
  },
  'welcome-unproven': {
    wire: 109,
    family: 'peer',
    meaning: 'The answer to a resume does not prove that its sender knows the session secret.',
  },
  'shard-lost': {
    wire: 110,
    family: 'homing',
    meaning: 'The shard that held the session crashed or hung; what it held in memory is lost.',
  },
  'shard-restarting': {
    wire: 111,
    family: 'homing',
    meaning: 'The shard of this session is being started again; come back in a moment.',
  },
  'bad-frame': { wire: 120, family: 'peer', meaning: 'A frame that is malformed for its type.' },
  'unknown-frame': { wire: 121, family: 'peer', meaning: 'A frame type this version does not know.' },
  'unexpected-frame': { wire: 122, family: 'peer', meaning: 'A known frame at a time when it is not allowed.' },
  'frame-too-large': { wire: 123, family: 'peer', meaning: 'A frame longer than its type allows.' },
  'bad-checksum': { wire: 124, family: 'line', meaning: 'The checksum does not match: bytes were altered on the way.' },
  'seq-gap': { wire: 125, family: 'peer', meaning: 'A message that is not the next one of its lane.' },
  'ack-beyond-sent': {
    wire: 126,
    family: 'peer',
    meaning: 'An acknowledgement of something that was never sent, or one that goes back.',
  },
  'credit-exceeded': { wire: 127, family: 'peer', meaning: 'More messages or bytes than this end granted room for.' },
  'message-too-large': { wire: 128, family: 'peer', meaning: 'A message larger than this end announced to take.' },
  'payload-refused': { wire: 129, family: 'peer', meaning: 'A payload that the scan does not let through.' },
  'unknown-receipt': { wire: 130, family: 'peer', meaning: 'A receipt or a result that nobody asked for.' },
  ended: { wire: 200, family: 'peer', meaning: 'The session was ended by the other end with session.close().' },
  replaced: { wire: 201, family: 'peer', meaning: 'A newer connection of the same session took over.' },
  refused: { wire: 202, family: 'caller', meaning: 'The authentication hook refused the credentials.' },
  'identity-changed': {
    wire: 203,
    family: 'caller',
    meaning: 'The credentials belong to another identity than the session.',
  },
  'proof-failed': { wire: 204, family: 'peer', meaning: 'The proof of the session secret is wrong.' },
  'version-unsupported': { wire: 205, family: 'caller', meaning: 'The two ends have no protocol version in common.' },
  'epoch-refused': { wire: 206, family: 'peer', meaning: 'The claimed epoch has no next one: epochs end at 2^32.' },
  closed: { wire: 207, family: 'caller', meaning: 'The client closed the session for good.' },
  expired: { wire: 208, family: 'line', meaning: 'No connection came back within the linger time.' },
  'stream-ended': {
    wire: 209,
    family: 'line',
    meaning: 'The stream given to the client ended, and it can be used only once.',
  },
  'memory-freed': { wire: 210, family: 'homing', meaning: 'A session nobody had seen was dropped to make room.' },
} as const satisfies Record<string, EndRow>;

/** A code of `endTable`. */
export type EndCode = keyof typeof endTable;

/** What is known of a message whose wait ended early: it never left, or it may have been processed. */
export type Outcome = 'never-sent' | 'unknown';

interface ErrorDetail {
  readonly cause?: unknown;
  readonly outcome?: Outcome | undefined;
  readonly retry?: boolean;
  readonly messageId?: string;
}

/** Every error this library makes: a stable `code`, `retry`, and a sentence with what was expected and what came. */
export class HomingError extends Error {
  readonly code: ErrorCode | EndCode;
  readonly retry: boolean;
  readonly outcome: Outcome | undefined;
  /** The message whose handler failed: `session/epoch/seq`. */
  readonly messageId: string | undefined;

  constructor(code: ErrorCode | EndCode, sentence: string, detail: ErrorDetail = {}) {
    super(sentence, 'cause' in detail ? { cause: detail.cause } : undefined);
    this.name = 'HomingError';
    this.code = code;
    this.retry = detail.retry ?? mayRetry(code);
    this.outcome = detail.outcome;
    this.messageId = detail.messageId;
  }
}

/** Whether trying again later can help, by code. */
export function mayRetry(code: ErrorCode | EndCode): boolean {
  if (Object.hasOwn(errorTable, code)) return errorTable[code as ErrorCode].retry;
  return !isTerminal(code as EndCode);
}

/** Whether an end code is terminal for the end that receives it. */
export function isTerminal(code: EndCode): boolean {
  return endTable[code].wire >= 200;
}

/** Whether an end code says that a rule of the protocol was broken: redialling at once would only repeat it. */
export function isViolation(code: EndCode): boolean {
  const { wire } = endTable[code];
  return wire >= 120 && wire < 200;
}

const endByWire = new Map<number, EndCode>(Object.entries(endTable).map(([code, row]) => [row.wire, code as EndCode]));

/** The end code for a number from the wire; unknown numbers fall back on their class. */
export function endCodeOf(wire: number): EndCode {
  return endByWire.get(wire) ?? (wire >= 200 ? 'ended' : 'line-lost');
}

/** The number that carries an end code on the wire. */
export function wireNumberOf(code: EndCode): number {
  return endTable[code].wire;
}

/** Throws when something this library relies on is not true; stays on in production and stops the actor. */
export function invariant(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new HomingError('InvariantBroken', sentence);
}
