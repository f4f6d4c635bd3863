/**
 * The picture of a run: what crossed between the two ends of each path, and what befell them, as lines of text with virtual
 * times. It has a frame parser of its own, which forgives: it shows what came, right or wrong.
 */
import {
  FRAGMENT_FLAG,
  FrameType,
  HEADER_BYTES,
  KIND_MASK,
  Kind,
  readU24,
  readU56,
  readU64,
  readU8,
} from '../../wire/frame.ts';
import type { SimLine, Toward } from '../sim-line.ts';
import type { World } from '../world.ts';
import { Chronicle } from './chronicle.ts';

const ARROW_WIDTH = 34;

/** Records a run. */
export class Picture {
  readonly #lines: Chronicle;
  readonly #rest = new WeakMap<SimLine, Record<Toward, Uint8Array>>();
  #isOver = false;

  constructor(world: World) {
    this.#lines = new Chronicle(() => world.nowMs);
    world.trace.onTell = (word) => {
      const [who = '', ...what] = word.split(' ');
      this.note(who, what.join(' '));
    };
    for (const { name, path } of world.clients) {
      path.tap = {
        dialled: () => this.note(name, `dials (${path.dialCount})`),
        read: (line, toward, chunk) => this.#read(name, line, toward, chunk),
        cut: (_line, toward) => this.note(name, `-- the line is cut, toward the ${toward} --`),
      };
    }
  }

  /** Adds what happened to somebody, now. */
  note(who: string, text: string): void {
    if (!this.#isOver) this.#lines.note(who, text);
  }

  /** Nothing is added from now on. */
  stop(): void {
    this.#isOver = true;
  }

  /** The picture as text. */
  get text(): string {
    return this.#lines.text;
  }

  #read(name: string, line: SimLine, toward: Toward, chunk: Uint8Array): void {
    const rest = this.#rest.get(line) ?? { server: new Uint8Array(0), client: new Uint8Array(0) };
    this.#rest.set(line, rest);
    let bytes = new Uint8Array(Buffer.concat([rest[toward], chunk]));
    while (bytes.length >= HEADER_BYTES) {
      const end = HEADER_BYTES + readU24(bytes, 5);
      if (bytes.length < end) break;
      if (!isHeartbeat(readU8(bytes, 4))) this.note(name, arrow(frameOf(bytes.subarray(0, end)), toward));
      bytes = bytes.subarray(end);
    }
    rest[toward] = bytes;
    if (bytes.length > 0) this.note(name, arrow(`(${bytes.length} bytes of a frame)`, toward));
  }
}

function arrow(text: string, toward: Toward): string {
  const words = ` ${text} `;
  const fill = '-'.repeat(Math.max(2, ARROW_WIDTH - words.length));
  return toward === 'server' ? `|--${words}${fill}> server` : `<${fill}${words}--| server`;
}

/** There are too many of them to be told. */
function isHeartbeat(type: number): boolean {
  return type === FrameType.PING || type === FrameType.PONG;
}

const typeNames = new Map<number, string>(Object.entries(FrameType).map(([name, type]) => [type, name]));
const orderedNames = ['', 'EVENT', 'DELIVER', 'CALL', 'WRITE', 'CHANGE', 'SERVICE', 'FORWARD'];
const directNames = ['', 'RECEIPT', 'RESULT', 'CANCEL', 'APPLY', 'ANSWER', 'STOP', 'RELEASE', 'VERDICT', 'NOTICE'];

function frameOf(frame: Uint8Array): string {
  const type = readU8(frame, 4);
  const body = frame.subarray(HEADER_BYTES);
  if (type === FrameType.ACK && body.length >= 16) return `ACK up to ${readU64(body, 0)}`;
  if (type !== FrameType.ORDERED && type !== FrameType.DIRECT) return typeNames.get(type) ?? `frame ${type}`;
  const flags = readU8(frame, 8);
  const kind = flags & KIND_MASK;
  const isOrdered = type === FrameType.ORDERED;
  const name = (isOrdered ? orderedNames : directNames)[kind] ?? `kind ${kind}`;
  const isNamed = isOrdered && kind !== Kind.CHANGE && (flags & FRAGMENT_FLAG) === 0;
  const title = isNamed ? nameIn(body) : undefined;
  const piece = (flags & FRAGMENT_FLAG) === 0 ? '' : ' (piece)';
  return `${name} #${readU56(frame, 9)}${title === undefined ? '' : ` ${title}`}${piece}`;
}

/** The short text that a message begins with: the name of its event or method, or its key. */
function nameIn(body: Uint8Array): string | undefined {
  const head = body[0] ?? 0;
  const word = body[1] ?? 0;
  if (head >> 5 !== 4 || head >= 0x98 || word >> 5 !== 3 || word >= 0x78) return undefined;
  return Buffer.from(body.subarray(2, 2 + (word & 0x1f))).toString();
}
