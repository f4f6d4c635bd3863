/** `exportMachine`: which formats there are, and the checks on what a caller says. */
import type { AnyStateMachine } from 'xstate';
import { HomingError } from '../../errors.ts';
import { mermaidOf } from './mermaid.ts';
import { portableOf } from './portable.ts';
import { sourceOf } from './source.ts';
import { jsonOf } from './values.ts';

/**
 * What a machine can be written as. `source`: the text of a module, JavaScript and TypeScript at once, for Stately's editor
 * or any program with XState 5. `json`: the config, which `createMachine(JSON.parse(text))` takes. `mermaid`: a state
 * diagram for a page of Markdown.
 */
export const exportFormats = ['source', 'json', 'mermaid'] as const;

/** One of `exportFormats`. */
export type ExportFormat = (typeof exportFormats)[number];

/** How a machine is exported. */
export interface ExportOptions {
  readonly format: ExportFormat;
  /**
   * What a context that is a function is made with. `source` and `json` then have the context that this input makes, and
   * `source` the delays that follow from it; without an input such a context is left out.
   */
  readonly input?: unknown;
}

/**
 * A machine of XState 5 as text; it is only read. Functions cannot leave a program, so everything stands by its name: as
 * given in `setup()`, else how it was made (`raise(PING)`), else the name of the function, else its place
 * (`inline:door.open#entry[0]`). What has no name and no text (a context, an input, an output or params that are functions,
 * instances of classes) is left out; `source` lists it. Actions and guards that XState's creators made from plain values
 * are written as they were made, other implementations as stubs: actions do nothing, guards are true, unknown delays take a
 * second, actors never end. Throws `BadOption` for what is no machine, a format that there is not, and an input that the
 * context cannot be made with.
 */
export function exportMachine(machine: AnyStateMachine, options: ExportOptions): string {
  const format: unknown = (options as Partial<ExportOptions> | undefined)?.format;
  const chosen = exportFormats.find((each) => each === format);
  if (chosen === undefined) {
    const known = exportFormats.map((each) => `'${each}'`).join(', ');
    throw new HomingError('BadOption', `format: expected one of ${known}, got ${shown(format)}`);
  }
  const portable = portableOf(machine, options);
  switch (chosen) {
    case 'source':
      return sourceOf(portable);
    case 'json':
      return `${JSON.stringify(jsonOf(portable.config), undefined, 2)}\n`;
    case 'mermaid':
      return mermaidOf(machine, portable);
  }
}

function shown(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : typeof value;
}
