/**
 * `node scripts/heap-by-class.ts <after> [before] [--per 5000] [--least 0.5]`: what a heap snapshot of many equal things holds, by
 * class: objects and own bytes for each of the things. With a second snapshot, taken before in the same thread, only what is new.
 * What has no class of its own (the table of a Map, a boxed number, a list) goes to the object that keeps it.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

/** The parts of a V8 heap snapshot that are read here. */
interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
      readonly edge_fields: readonly string[];
      readonly edge_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly edges: readonly number[];
  readonly strings: readonly string[];
}

/** Objects of one name, and their own bytes. */
interface Sum {
  count: number;
  bytes: number;
}

/** The numbers by which V8 knows its objects. They stay the same as long as an object lives. */
function idsIn(file: string): ReadonlySet<number> {
  const { snapshot, nodes } = read(file);
  const fields = snapshot.meta.node_fields;
  const ids = new Set<number>();
  for (let at = fields.indexOf('id'); at < nodes.length; at += fields.length) ids.add(nodes[at] ?? 0);
  return ids;
}

function sumsOf(file: string, known: ReadonlySet<number>): Map<string, Sum> {
  const heap = new Heap(read(file));
  const found = new Map<string, Sum>();
  for (let node = 0; node < heap.count; node += 1) {
    if (known.has(heap.idOf(node))) continue;
    const name = heap.describe(node);
    const sum = found.get(name) ?? { count: 0, bytes: 0 };
    sum.count += 1;
    sum.bytes += heap.bytesOf(node);
    found.set(name, sum);
  }
  return found;
}

function read(file: string): Snapshot {
  return JSON.parse(readFileSync(file, 'utf8')) as Snapshot;
}

/** A snapshot with, for each object, who keeps it, nearest to the roots. */
class Heap {
  readonly count: number;
  readonly #snapshot: Snapshot;
  readonly #fields: readonly string[];
  readonly #width: number;
  /** By object: the object that keeps it, and how it calls it; -1: nobody. */
  readonly #keeper: Int32Array;
  readonly #calledAt: Int32Array;

  constructor(snapshot: Snapshot) {
    this.#snapshot = snapshot;
    this.#fields = snapshot.snapshot.meta.node_fields;
    this.#width = this.#fields.length;
    this.count = snapshot.nodes.length / this.#width;
    this.#keeper = new Int32Array(this.count).fill(-1);
    this.#calledAt = new Int32Array(this.count);
    this.#walk();
  }

  idOf(node: number): number {
    return this.#field(node, 'id');
  }

  bytesOf(node: number): number {
    return this.#field(node, 'self_size');
  }

  /** The class of an object; of one without, where it stands in the nearest object that has one. */
  describe(node: number): string {
    const path: string[] = [];
    let at = node;
    // Deeper ones are told by the end of their path.
    for (; at >= 0 && path.length < 4; at = this.#keeper[at] ?? -1) {
      const type = this.#typeOf(at);
      const name = this.#nameOf(at);
      if (type === 'object' && name !== 'Object' && name !== 'Array') return [name, ...path].join(' ');
      if (type === 'native') return [name.replace(/0x[0-9a-f]+/gu, ''), ...path].join(' ');
      if (type === 'closure') return [`closure ${name || '(anonymous)'}`, ...path].join(' ');
      path.unshift(`.${this.#calledOf(at)} (${type === 'object' ? name : type})`);
    }
    return ['…', ...path].join(' ');
  }

  #walk(): void {
    const { snapshot, nodes, edges } = this.#snapshot;
    const { edge_fields, edge_types } = snapshot.meta;
    const width = edge_fields.length;
    const typeAt = edge_fields.indexOf('type');
    const toAt = edge_fields.indexOf('to_node');
    const weak = edge_types[0].indexOf('weak');
    const countAt = this.#fields.indexOf('edge_count');
    const first = new Uint32Array(this.count + 1);
    for (let node = 0, at = 0; node < this.count; node += 1) {
      at += nodes[node * this.#width + countAt] ?? 0;
      first[node + 1] = at;
    }
    const queue = [0];
    const seen = new Uint8Array(this.count);
    seen[0] = 1;
    for (let next = 0; next < queue.length; next += 1) {
      const node = queue[next] ?? 0;
      for (let edge = first[node] ?? 0; edge < (first[node + 1] ?? 0); edge += 1) {
        const at = edge * width;
        if (edges[at + typeAt] === weak) continue;
        const to = (edges[at + toAt] ?? 0) / this.#width;
        if (seen[to] === 1) continue;
        seen[to] = 1;
        this.#keeper[to] = node;
        this.#calledAt[to] = at;
        queue.push(to);
      }
    }
  }

  #calledOf(node: number): string {
    const { snapshot, edges, strings } = this.#snapshot;
    const { edge_fields, edge_types } = snapshot.meta;
    const at = this.#calledAt[node] ?? 0;
    const type = edge_types[0][edges[at + edge_fields.indexOf('type')] ?? 0];
    const name = edges[at + edge_fields.indexOf('name_or_index')] ?? 0;
    return type === 'element' || type === 'hidden' ? '[]' : (strings[name] ?? '');
  }

  #typeOf(node: number): string {
    return this.#snapshot.snapshot.meta.node_types[0][this.#field(node, 'type')] ?? '';
  }

  #nameOf(node: number): string {
    return this.#snapshot.strings[this.#field(node, 'name')] ?? '';
  }

  #field(node: number, name: string): number {
    return this.#snapshot.nodes[node * this.#width + this.#fields.indexOf(name)] ?? 0;
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { per: { type: 'string', default: '5000' }, least: { type: 'string', default: '0.5' } },
});
const [after, before] = positionals;
if (after === undefined) throw new Error('expected the file of a heap snapshot');
const per = Number(values.per);
const sums = sumsOf(after, before === undefined ? new Set() : idsIn(before));
let bytes = 0;
console.log('  bytes  count  what');
for (const [name, sum] of [...sums].toSorted(([, one], [, other]) => other.bytes - one.bytes)) {
  if (sum.count < per * Number(values.least)) continue;
  bytes += sum.bytes;
  console.log(`${(sum.bytes / per).toFixed(1).padStart(7)}  ${(sum.count / per).toFixed(2).padStart(5)}  ${name}`);
}
console.log(`${(bytes / per).toFixed(1).padStart(7)}         all of these`);
