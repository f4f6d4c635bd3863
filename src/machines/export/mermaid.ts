/**
 * A machine as a Mermaid state diagram. Three things of Mermaid decide its shape: ids are one name space over all levels,
 * a state belongs to the block where it is mentioned last, and arrows of one pair of states lie on each other. So ids are
 * made unique, arrows that cross a block stand outside of all blocks, and labels of one pair are joined.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { type Arrow, type Remarks, arrowsOf, nodesOf, remarksOf } from './arrows.ts';
import type { Portable } from './portable.ts';

/** The text of the diagram, without the fence around it. */
export function mermaidOf(machine: AnyStateMachine, portable: Portable): string {
  return new Drawing(machine, portable).text();
}

class Drawing {
  readonly #root: AnyStateNode;
  readonly #ids: ReadonlyMap<AnyStateNode, string>;
  readonly #remarks: Remarks;
  readonly #arrows: readonly Arrow[];

  constructor(machine: AnyStateMachine, portable: Portable) {
    this.#root = machine.root;
    this.#ids = idsOf(machine.root);
    this.#remarks = remarksOf(machine, portable);
    this.#arrows = joined(arrowsOf(machine, portable));
  }

  text(): string {
    const root = this.#root;
    // Regions need a state around them.
    const isFramed = root.type === 'parallel' || root.type === 'atomic';
    const body = isFramed ? this.#state(root) : this.#states(root);
    const crossing = this.#arrows.filter((arrow) => blockOf(arrow) === undefined || blockOf(arrow) === root);
    const lines = [...body, ...crossing.map((arrow) => this.#arrow(arrow))];
    return ['stateDiagram-v2', ...lines.map((line) => `  ${line}`), ''].join('\n');
  }

  /** The lines for what is directly in a state: where it begins, its states, the arrows between them, where it ends. */
  #states(node: AnyStateNode): string[] {
    const inner = Object.values(node.states);
    const first = node.initial.target[0];
    const begin = first === undefined ? [] : [`[*] --> ${this.#id(first)}`];
    const ends = inner.filter(({ type }) => type === 'final').map((each) => `${this.#id(each)} --> [*]`);
    const between = node === this.#root ? [] : this.#arrows.filter((arrow) => blockOf(arrow) === node);
    return [
      ...begin,
      ...inner.flatMap((each) => this.#state(each)),
      ...between.map((arrow) => this.#arrow(arrow)),
      ...ends,
    ];
  }

  /** A state alone has what it does in its box, line by line; one with others inside is a block. */
  #state(node: AnyStateNode): string[] {
    const id = this.#id(node);
    const name = nameOf(node);
    const head = name === id ? id : `"${escaped(name)}" as ${id}`;
    const inner = Object.values(node.states);
    if (inner.length === 0) {
      const does = this.#remarks.get(node) ?? [];
      if (does.length === 0) return [name === id ? id : `state ${head}`];
      return [name, ...does].map((line) => `${id} : ${escaped(line)}`);
    }
    const blocks =
      node.type === 'parallel'
        ? inner.flatMap((region, at) => [...(at === 0 ? [] : ['--']), ...this.#state(region)])
        : this.#states(node);
    return [`state ${head} {`, ...blocks.map((line) => `  ${line}`), '}', ...this.#note(node)];
  }

  /** What a state with states inside does, beside it: its box has no room for lines. */
  #note(node: AnyStateNode): string[] {
    const remarks = this.#remarks.get(node) ?? [];
    if (remarks.length === 0) return [];
    return [`note right of ${this.#id(node)}`, ...remarks.map((remark) => `  ${escaped(remark)}`), 'end note'];
  }

  #arrow({ from, to, label }: Arrow): string {
    return `${this.#id(from)} --> ${this.#id(to)} : ${label}`;
  }

  #id(node: AnyStateNode): string {
    return this.#ids.get(node) ?? 'machine';
  }
}

/** The state whose block both ends of an arrow are directly in; the regions of a parallel state have none in common. */
function blockOf({ from, to }: Arrow): AnyStateNode | undefined {
  return from.parent === to.parent && from.parent?.type !== 'parallel' ? from.parent : undefined;
}

/** One arrow for each pair of states, in the order of the first, with all labels. */
function joined(arrows: readonly Arrow[]): readonly Arrow[] {
  const byFrom = Map.groupBy(arrows, ({ from }) => from);
  return [...byFrom].flatMap(([from, leaving]) =>
    [...Map.groupBy(leaving, ({ to }) => to)].map(([to, same]) => {
      const labels = new Set(same.map(({ label }) => escaped(label)));
      return { from, to, label: [...labels].join('<br/>') };
    }),
  );
}

function nameOf(node: AnyStateNode): string {
  if (node.type !== 'history') return node.key;
  return `${node.key} (${node.history === 'deep' ? 'deep history' : 'history'})`;
}

/** Words that Mermaid takes for its own, and a few that lookups in it would find elsewhere. */
const reserved = new Set(
  [
    'accDescr accTitle as class classDef click constructor default direction divider end fork hasOwnProperty hide href join',
    'left note right root scale state stateDiagram style toString valueOf',
  ].flatMap((words) => words.toLowerCase().split(' ')),
);

/** An id for each state: its key where that is enough. */
function idsOf(root: AnyStateNode): ReadonlyMap<AnyStateNode, string> {
  const nodes = nodesOf(root);
  const keys = Map.groupBy(nodes, ({ key }) => key);
  const ids = new Map<AnyStateNode, string>();
  // Keys first, so that an id made of a path never takes the key of another state.
  for (const node of nodes) if (keys.get(node.key)?.length === 1 && isId(node.key)) ids.set(node, node.key);
  const taken = new Set(ids.values());
  for (const node of nodes) {
    if (ids.has(node)) continue;
    const path = [root.key, ...node.path].slice(node === root ? 0 : 1).join('_');
    const words = path.replaceAll(/[^A-Za-z0-9]+/g, '_').replaceAll(/^_+|_+$/g, '');
    const named = words === '' ? 'unnamed' : words;
    const plain = isId(named) ? named : `state_${named}`;
    let id = plain;
    for (let count = 2; taken.has(id); count++) id = `${plain}_${count}`;
    taken.add(id);
    ids.set(node, id);
  }
  return ids;
}

/** Two underscores are left to Mermaid, which makes ids of its own with them. */
function isId(text: string): boolean {
  return /^[A-Za-z][A-Za-z0-9_]*$/.test(text) && !text.includes('__') && !reserved.has(text.toLowerCase());
}

/** Text in a label: what Mermaid or Markdown would read as something else stands by its number. */
function escaped(text: string): string {
  return text
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[^\p{L}\p{N} _.,/()[\]!?=+*$@'-]/gu, (mark) => `#${mark.codePointAt(0) ?? 0};`)
    .replaceAll(/-(?=[->])|(?<=-)>/g, (mark) => `#${mark.codePointAt(0) ?? 0};`)
    .replaceAll(/^ | $/g, '#32;')
    .replaceAll(/direction (?=TB|BT|LR|RL)/gi, (word) => word.replace(' ', '#32;'));
}
