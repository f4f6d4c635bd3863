/**
 * The words that cases are written in. A step says what it does, so the table of cases, the report and what runs are one and
 * the same; `sends` are this client's, `expects` the server's.
 */
import { endTable } from '../errors.ts';
import type { EndCode } from '../errors.ts';
import type { Ack, Ending, HelloFields, Welcome } from './bodies.ts';
import { Failed, hex, join, u64, u8 } from './bytes.ts';
import type { Word } from './conduct.ts';
import { type TypeName, type Wrong, type directKinds, type orderedKinds, types } from './frames.ts';
import { type Item, Tagged, head, show, write } from './items.ts';
import { type Scene, described, must, same } from './scene.ts';

/** One step of a case. */
export interface Step {
  readonly role: 'sends' | 'expects';
  /** What it does, in a few words. */
  readonly says: string;
  readonly run: (scene: Scene) => unknown;
}

/** A case: what is demanded of a server, and how that is tried. */
export interface Case {
  /** Stable: a case that goes away leaves its number unused. */
  readonly id: string;
  readonly level: 'MUST' | 'SHOULD';
  /** Of PROTOCOL.md. */
  readonly section: number;
  readonly demand: string;
  /** It needs the behavior of the target, see `docs/conformance.md`. */
  readonly target?: boolean;
  /** Milliseconds for all of it, 5,000 if nothing is said. */
  readonly withinMs?: number;
  readonly steps: readonly Step[];
}

/** Cases that belong together. */
export interface Group {
  readonly name: string;
  readonly about: string;
  readonly cases: readonly Case[];
}

/** Any step of this client. */
export const does = (says: string, run: (scene: Scene) => unknown): Step => ({ role: 'sends', says, run });

/** Sends bytes. */
export const sends = (says: string, bytes: (scene: Scene) => Uint8Array): Step =>
  does(says, (scene) => scene.write(bytes(scene)));

/** Any expectation; it throws what is wrong. */
export const expects = (says: string, run: (scene: Scene) => unknown): Step => ({ role: 'expects', says, run });

// ---- connections

/** Opens a connection and writes nothing. */
export const dials = (): Step => does('a connection', (scene) => scene.dial());

/** A HELLO on a connection of its own. */
export const hello = (
  says: string,
  given: Partial<HelloFields> | ((scene: Scene) => Partial<HelloFields>) = {},
): Step =>
  does(says, async (scene) => {
    await scene.dial();
    await scene.write(scene.hello(typeof given === 'function' ? given(scene) : given));
  });

/** A WELCOME with what `check` asks for beyond what always holds. */
export const welcome = (says: string, check: (welcome: Welcome, scene: Scene) => void = () => {}): Step =>
  expects(`WELCOME ${says}`.trim(), async (scene) => check(await scene.welcomed(), scene));

/** A new session that is up: HELLO, WELCOME, ACK. */
export const opens = (given: Partial<HelloFields> = {}, says = 'a new session'): Step =>
  does(says, async (scene) => {
    await scene.dial();
    await scene.write(scene.hello(given));
    const { mode } = await scene.welcomed();
    must(mode === 0, 'it resumed what is not there');
    await scene.write(scene.ack());
  });

/** The session at hand resumed on a new connection: HELLO mode 1, WELCOME mode 1, ACK. */
export const resumes = (given: Partial<HelloFields> = {}, says = 'HELLO mode 1'): Step =>
  does(says, async (scene) => {
    await scene.dial();
    await scene.write(scene.hello({ mode: 1, windowMessages: scene.session.windowMessages, ...given }));
    const { mode, lossCode } = await scene.welcomed();
    must(mode === 1, `it did not resume the session: WELCOME mode ${mode}, lossCode ${lossCode}`);
    await scene.write(scene.ack());
  });

/** WELCOME mode 1. */
export const resumed = (): Step => welcome('mode 1, proven', ({ mode }) => same('the mode', mode, 1));

/** The line is cut. */
export const cuts = (): Step => does('a cut', (scene) => scene.cut());

/** A step on the connection before the one at hand. */
export const former = (step: Step): Step => ({
  ...step,
  says: `${step.says} on the older connection`,
  run: (scene) => scene.onFormer(async () => void (await step.run(scene))),
});

// ---- endings

const codeOf = (code: EndCode): number => endTable[code].wire;

/** The connection is closed with one of these codes. */
export const closes = (...codes: readonly EndCode[]): Step =>
  expects(`CLOSE ${codes.join(' or ')}`, async (scene) => {
    const ending = await scene.ending('CLOSE', codes.join(' or '));
    requireCode(ending, codes);
  });

/** The HELLO is refused with this code. */
export const refuses = (code: EndCode, check: (ending: Ending, scene: Scene) => void = () => {}): Step =>
  expects(`REFUSED ${code}`, async (scene) => {
    const ending = await scene.ending('REFUSED', code);
    requireCode(ending, [code]);
    check(ending, scene);
  });

/** A claim with a bad proof: refused, once the address is below its pace of failed proofs again. */
export const unproven = (says: string, given: (scene: Scene) => Partial<HelloFields>): Step =>
  expects(`REFUSED proof-failed to ${says}`, async (scene) => {
    for (;;) {
      await scene.dial();
      await scene.write(scene.hello({ mode: 1, ...given(scene) }));
      const ending = await scene.ending('REFUSED', 'proof-failed');
      scene.leave();
      if (ending.code !== codeOf('overloaded')) return requireCode(ending, ['proof-failed']);
      await pause(ending.retryAfterMs);
    }
  });

function requireCode(ending: Ending, codes: readonly EndCode[]): void {
  const isOne = codes.some((code) => codeOf(code) === ending.code);
  if (!isOne) throw new Failed(`expected ${codes.join(' or ')}, got ${described(ending)}`);
}

/** The connection is ended, with a frame or without. */
export const ends = (says = 'the end of the connection'): Step => expects(says, (scene) => scene.over());

/** Nothing that a client could see went wrong: a PING is answered. */
export const alive = (): Step => expects('PONG', (scene) => scene.alive());

/** The session is still there and goes on: it is resumed, and a message is processed. */
export const livesOn = (): Step =>
  expects('the session to be resumed and to go on', async (scene) => {
    await resumes().run(scene);
    await scene.write(scene.say('EVENT', 'unheard'));
    await scene.acked({ cursor: scene.session.orderedSent });
  });

/** A while passes. */
export const waits = (ms: number | ((scene: Scene) => number), says: string): Step =>
  does(says, (scene) => pause(typeof ms === 'number' ? ms : ms(scene)));

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// ---- frames

/** A control frame. */
export const control = (name: TypeName, body: Uint8Array, wrong?: Wrong): Step =>
  sends(`${name}${wrong === undefined ? '' : ` with ${show(wrong as Item)}`}`, (scene) => {
    if (name === 'PING') scene.session.nonces.add(Number(Buffer.from(body).readBigUInt64BE()));
    return scene.control(types[name], body, wrong);
  });

/** A message `[name, ...args]`. */
export const says = (kind: keyof typeof orderedKinds, name: string, ...args: readonly Item[]): Step =>
  sends(`${kind} ${show([name, ...args])}`, (scene) => scene.say(kind, name, ...args));

/** An ordered message with a payload in hexadecimal. */
export const payload = (bytes: string | Uint8Array, kind: keyof typeof orderedKinds = 'EVENT'): Step => {
  const given = typeof bytes === 'string' ? hex(bytes) : bytes;
  const text = Buffer.from(given).toString('hex');
  const shown = text.length > 40 ? `of ${given.length.toLocaleString('en')} bytes` : text === '' ? 'empty' : text;
  return sends(`${kind} payload ${shown}`, (scene) => scene.ordered(kind, given));
};

/** A direct message with this body. */
export const direct = (kind: keyof typeof directKinds, body: Uint8Array): Step =>
  sends(`${kind} ${body.length > 24 ? `of ${body.length} bytes` : Buffer.from(body).toString('hex')}`, (scene) =>
    scene.direct(kind, body),
  );

/** An ACK with these numbers in place of the right ones. */
export const acks = (given: Partial<Ack> = {}): Step => sends(`ACK ${show(given)}`, (scene) => scene.ack(given));

// ---- what comes

/** All ordered messages sent so far are processed. */
export const processed = (): Step =>
  expects('ACK, all is processed', (scene) => scene.acked({ cursor: scene.session.orderedSent }));

/** All direct messages sent so far are received. */
export const received = (): Step =>
  expects('ACK, all direct is received', (scene) => scene.acked({ directReceived: scene.session.directSent }));

/** The answer to the message that was sent last, or to the one of this seq. */
export const answer = (
  kind: 'RECEIPT' | 'RESULT' | 'ANSWER' | 'VERDICT',
  status: number,
  wanted: { readonly value?: Item; readonly seq?: number; readonly check?: (word: Word, scene: Scene) => void } = {},
): Step => {
  const about = `${'value' in wanted ? ` ${show(wanted.value)}` : ''}${wanted.seq === undefined ? '' : ` for ${wanted.seq}`}`;
  return expects(`${kind} with status ${status}${about}`, async (scene) => {
    const { session } = scene;
    const seq = wanted.seq ?? (kind === 'ANSWER' ? session.directSent : session.orderedSent);
    const word = await scene.word(kind, seq);
    same('the status', word.status, status);
    if ('value' in wanted) same('the value', word.value, wanted.value);
    wanted.check?.(word, scene);
  });
};

/** An ordered message of the server with exactly this value. */
export const hears = (kind: keyof typeof orderedKinds, name: string, ...args: readonly Item[]): Step =>
  expects(`${kind} ${show([name, ...args])}`, async (scene) =>
    same('the message', await scene.heard(kind, name), [name, ...args]),
  );

/** Nothing more comes that is a message: two round trips show it. */
export const nothingMore = (): Step =>
  expects('no other message', async (scene) => {
    await scene.alive();
    await scene.alive();
    must(scene.messages.length === 0, `${scene.messages.length} messages came that nobody asked for`);
  });

// ---- bytes

/** u64 seq, u8 status, and a value where there is one. */
export const settled = (seq: number | bigint, status: number, value?: Uint8Array): Buffer =>
  join(u64(seq), u8(status), value ?? Buffer.alloc(0));

/** A value behind a tag, for the shorter lines of tables. */
export const tagged = (tag: number, item: Item): Tagged => new Tagged(tag, item);

/** `["unheard", item]` as bytes: an event that no target listens to. */
export const around = (item: Uint8Array | string): Buffer =>
  join(head(4, 2), write('unheard'), typeof item === 'string' ? hex(item) : item);
