/**
 * The part of Mermaid's state diagrams that is written here, read strictly, and the rules that keep a picture whole: every
 * state is declared once, in its block, before an arrow names it; an arrow in a block stays in it; no arrow joins a state
 * and one inside it.
 */

/** A diagram as read. */
export interface Diagram {
  /** Each state's block; undefined outside of all. */
  readonly blocks: ReadonlyMap<string, string | undefined>;
  /** The names that are shown, where they differ from the id. */
  readonly names: ReadonlyMap<string, string>;
  /** All arrows, with their labels decoded and taken apart. */
  readonly arrows: readonly { readonly from: string; readonly to: string; readonly labels: readonly string[] }[];
  /** What stands in the box of a state, or in the note beside it. */
  readonly remarks: ReadonlyMap<string, readonly string[]>;
}

const id = String.raw`([A-Za-z][A-Za-z0-9_]*)`;
const end = String.raw`(\[\*\]|[A-Za-z][A-Za-z0-9_]*)`;
const text = String.raw`((?:[\p{L}\p{N} _.,/()[\]!?=+*$@'-]|#\d+;)+)`;
const label = String.raw`((?:[\p{L}\p{N} _.,/()[\]!?=+*$@'-]|#\d+;|<br/>)+)`;
const form = (pattern: string): RegExp => new RegExp(`^${pattern}$`, 'u');

const arrowForm = form(`${end} --> ${end}(?: : ${label})?`);
const stateForm = form(id);
const namedForm = form(`state "${text}" as ${id}( \\{)?`);
const blockForm = form(`state ${id} \\{`);
const lineForm = form(`${id} : ${text}`);
const noteForm = form(`note right of ${id}`);

const words = /^(?:as|class|classdef|click|default|direction|end|href|note|root|scale|state|style)$/i;

/** Reads a diagram. Throws with the line that does not belong. */
export function readDiagram(written: string): Diagram {
  const blocks = new Map<string, string | undefined>();
  const names = new Map<string, string>();
  const remarks = new Map<string, string[]>();
  const arrows: { from: string; to: string; labels: readonly string[] }[] = [];
  const open: string[] = [];
  let note: string | undefined;

  const lines = written.split('\n');
  if (lines.shift() !== 'stateDiagram-v2') throw new Error('expected stateDiagram-v2 first');
  if (lines.pop() !== '') throw new Error('expected a line end at the end');
  for (const [at, full] of lines.entries()) {
    const line = full.trimStart();
    const refuse = (why: string): never => {
      throw new Error(`line ${at + 2}, '${full}': ${why}`);
    };
    const depth = open.length + 1 + (note === undefined || line === 'end note' ? 0 : 1) - (line === '}' ? 1 : 0);
    if (full.length - line.length !== depth * 2 || line.trimEnd() !== line) refuse(`expected ${depth} steps of space`);
    read(line, refuse);
  }
  if (open.length > 0 || note !== undefined) throw new Error('expected the end of a block');
  return { blocks, names, arrows, remarks };

  function read(line: string, refuse: (why: string) => never): void {
    if (note !== undefined) {
      if (line === 'end note') note = undefined;
      else if (!form(text).test(line) || /end note/i.test(line)) refuse('not the text of a note');
      else remark(note, line);
      return;
    }
    if (line === '}') return void (open.pop() ?? refuse('no block is open'));
    if (line === '--') return open.length > 0 ? undefined : refuse('regions outside of a block');
    const arrow = arrowForm.exec(line);
    if (arrow !== null) return addArrow(arrow as unknown as readonly [string, string, string, string?], refuse);
    const note1 = noteForm.exec(line)?.[1];
    if (note1 !== undefined) {
      if (!blocks.has(note1)) refuse('a note beside nothing');
      note = note1;
      return;
    }
    const [, shown, named, brace] = namedForm.exec(line) ?? [];
    if (named !== undefined) {
      declare(named, refuse);
      names.set(named, decoded(shown ?? ''));
      if (brace !== undefined) open.push(named);
      return;
    }
    const block = blockForm.exec(line)?.[1];
    if (block !== undefined) {
      declare(block, refuse);
      open.push(block);
      return;
    }
    const [, of, said = ''] = lineForm.exec(line) ?? [];
    if (of !== undefined) {
      if (blocks.has(of)) return remark(of, said);
      declare(of, refuse);
      if (decoded(said) !== of) names.set(of, decoded(said));
      return;
    }
    declare(stateForm.exec(line)?.[1] ?? refuse('nothing that is known'), refuse);
  }

  function declare(state: string, refuse: (why: string) => never): void {
    if (blocks.has(state)) refuse('declared twice');
    if (words.test(state) || state.includes('__')) refuse('a word of Mermaid');
    blocks.set(state, open.at(-1));
  }

  function remark(state: string, said: string): void {
    remarks.set(state, [...(remarks.get(state) ?? []), decoded(said)]);
  }

  function addArrow(
    [, from, to, labels]: readonly [string, string, string, string?],
    refuse: (why: string) => never,
  ): void {
    const [first, last] = [from, to];
    if (first === '[*]' && last === '[*]') refuse('from nothing to nothing');
    if (first === '[*]' || last === '[*]') {
      if (labels !== undefined) refuse('a label where one begins or ends');
    } else {
      if (!blocks.has(first) || !blocks.has(last)) refuse('a state that is not declared before');
      if (outside(first).includes(last) || outside(last).includes(first)) refuse('a state and one inside it');
      const here = open.at(-1);
      if (here !== undefined && (blocks.get(first) !== here || blocks.get(last) !== here)) refuse('leaves its block');
    }
    arrows.push({ from, to, labels: (labels ?? '').split('<br/>').map(decoded) });
  }

  function outside(state: string): readonly string[] {
    const block = blocks.get(state);
    return block === undefined ? [] : [block, ...outside(block)];
  }
}

function decoded(written: string): string {
  return written.replaceAll(/#(\d+);/g, (_, number: string) => String.fromCodePoint(Number(number)));
}
