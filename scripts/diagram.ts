/**
 * Draws a machine as a Mermaid state diagram, from its config alone. `npx node scripts/diagram.ts` writes the diagram of the
 * client's connection into `docs/lifecycle.md`; a test compares it, so that the page cannot fall behind the machine.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { diallingMachine } from '../src/machines/dialling.ts';

const page = new URL('../docs/lifecycle.md', import.meta.url);
const block = /```mermaid\n[\s\S]*?```/;

/** What this file reads of a transition: a target alone, or an object with one. */
type Transition = string | { readonly target?: string; readonly guard?: unknown };

interface StateConfig {
  readonly initial?: unknown;
  readonly type?: string;
  readonly on?: Readonly<Record<string, Transition | readonly Transition[]>>;
  readonly after?: Readonly<Record<string, Transition | readonly Transition[]>>;
  readonly states?: Readonly<Record<string, StateConfig>>;
}

interface Arrow {
  readonly from: string;
  readonly to: string;
  readonly label: string;
}

/** The diagram of a machine whose states nest at most once; transitions that stay in their state are left out. */
export function diagramOf(config: StateConfig): string {
  const states = Object.entries(config.states ?? {});
  const lines = ['stateDiagram-v2', `  [*] --> ${String(config.initial)}`];
  const arrows: Arrow[] = [];
  for (const [name, state] of states) {
    if (state.states !== undefined) lines.push(...nestedLines(name, state));
    if (state.type === 'final') lines.push(`  ${name} --> [*]`);
    else arrows.push(...arrowsOf(name, state, config.on ?? {}));
  }
  for (const [way, labels] of Map.groupBy(arrows, ({ from, to }) => `${from} --> ${to}`)) {
    lines.push(`  ${way} : ${labels.map(({ label }) => label).join(', ')}`);
  }
  return lines.join('\n');
}

function nestedLines(name: string, state: StateConfig): string[] {
  const inner = Object.entries(state.states ?? {}).flatMap(([word, each]) => arrowsOf(word, each, {}));
  const inside = inner.filter(({ to }) => Object.hasOwn(state.states ?? {}, to));
  const steps = inside.map(({ from, to, label }) => `    ${from} --> ${to} : ${label}`);
  return [`  state ${name} {`, `    [*] --> ${String(state.initial)}`, ...steps, '  }'];
}

/** The arrows that leave a state, those of states inside it and those of the root that it does not answer itself. */
function arrowsOf(name: string, state: StateConfig, root: NonNullable<StateConfig['on']>): Arrow[] {
  const own = Object.entries({ ...root, ...state.on });
  const found = own.flatMap(([event, given]) => targetsOf(given).map((each) => arrow(name, each, event)));
  for (const [delay, given] of Object.entries(state.after ?? {})) {
    found.push(...targetsOf(given).map((each) => arrow(name, each, `after ${delay}`)));
  }
  for (const [word, inner] of Object.entries(state.states ?? {})) {
    const outward = arrowsOf(word, inner, {}).filter(({ to }) => !Object.hasOwn(state.states ?? {}, to));
    found.push(...outward.map(({ to, label }) => ({ from: name, to, label })));
  }
  return found;
}

function targetsOf(given: Transition | readonly Transition[]): { target: string; guard: unknown }[] {
  const all = Array.isArray(given) ? (given as readonly Transition[]) : [given as Transition];
  return all.flatMap((each) => {
    const { target, guard } = typeof each === 'string' ? { target: each, guard: undefined } : each;
    return target === undefined ? [] : [{ target, guard }];
  });
}

function arrow(from: string, { target, guard }: { target: string; guard: unknown }, label: string): Arrow {
  const to = target.split('.').at(-1) ?? target;
  return { from, to, label: typeof guard === 'string' ? `${label} [${guard}]` : label };
}

/** The page with the diagram of the client's connection in it. */
export function pageWithDiagram(text: string): string {
  const drawn = diagramOf(diallingMachine.config as StateConfig);
  return text.replace(block, () => `\`\`\`mermaid\n${drawn}\n\`\`\``);
}

if (import.meta.main) writeFileSync(page, pageWithDiagram(readFileSync(page, 'utf8')));
