/**
 * The arrows of a machine's diagram: transitions as XState resolved them, bent to what a diagram can hold. Mermaid draws no
 * arrow between a state and one inside it, so a transition of an outer state to an inner one leaves from each state
 * between the two that does not answer the event itself, and one to an outer state leads to where that begins.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import type { Portable } from './portable.ts';

/** An arrow from a state to a state that neither holds the other. */
export interface Arrow {
  readonly from: AnyStateNode;
  readonly to: AnyStateNode;
  /** Event, guard: `SOCKET_LOST [autoReconnects]`. */
  readonly label: string;
}

/** What happens in a state without leaving it: its entry, its exit, what it invokes, transitions without a target. */
export type Remarks = ReadonlyMap<AnyStateNode, readonly string[]>;

/** A transition as XState resolved it. */
interface Transition {
  readonly target?: readonly AnyStateNode[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
  readonly eventType: string;
  readonly delay?: unknown;
}

/** All states, an outer one before those inside it. */
export function nodesOf(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap((inner) => nodesOf(inner))];
}

/** Whether a state is inside another one. */
export function isInside(node: AnyStateNode, outer: AnyStateNode): boolean {
  return node.parent !== undefined && (node.parent === outer || isInside(node.parent, outer));
}

/** The arrows of a machine: states in their order; of each its own transitions, then those of outer states. */
export function arrowsOf(machine: AnyStateMachine, portable: Portable): readonly Arrow[] {
  const nodes = nodesOf(machine.root);
  const places = new Map(nodes.map((node, at) => [node, at]));
  const arrows = nodes.toReversed().flatMap((node) => [
    ...defaultOf(node),
    ...transitionsOf(node).flatMap((transition) =>
      (transition.target ?? []).flatMap((to) => {
        const label = labelOf(transition, { node, portable });
        return ends(node, { to, event: transition.eventType }).map(([from, end]) => ({ from, to: end, label }));
      }),
    ),
  ]);
  return arrows.sort((one, other) => (places.get(one.from) ?? 0) - (places.get(other.from) ?? 0));
}

/** Where a history leads when there is none yet, if that is a state beside it. */
function defaultOf(node: AnyStateNode): readonly Arrow[] {
  const { target } = node.config as { target?: unknown };
  const to = node.type === 'history' && typeof target === 'string' ? node.parent?.states[target] : undefined;
  return to === undefined ? [] : [{ from: node, to, label: 'default' }];
}

/** What happens inside of states. */
export function remarksOf(machine: AnyStateMachine, portable: Portable): Remarks {
  return new Map(nodesOf(machine.root).map((node) => [node, remarksIn(node, portable)]));
}

function remarksIn(node: AnyStateNode, portable: Portable): readonly string[] {
  const named = (actions: unknown): string =>
    listed(actions)
      .map((each) => portable.actionLabel(each))
      .join(', ');
  const { entry, exit } = node.config as { entry?: unknown; exit?: unknown };
  const staying = transitionsOf(node).filter(({ target, actions }) => target === undefined && actions.length > 0);
  return [
    ...(listed(entry).length > 0 ? [`entry / ${named(entry)}`] : []),
    ...(listed(exit).length > 0 ? [`exit / ${named(exit)}`] : []),
    ...listed(node.config.invoke).map((each) => `invoke ${portable.actorLabel((each as { src: unknown }).src)}`),
    ...staying.map((each) => `${labelOf(each, { node, portable })} / ${named(each.actions)}`),
  ];
}

function listed(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** The transitions of a state; those of `route` lead in from anywhere and are left out. */
function transitionsOf(node: AnyStateNode): readonly Transition[] {
  const byEvent = [...node.transitions].filter(([descriptor]) => descriptor !== 'xstate.route');
  return [...byEvent.flatMap(([, each]) => each), ...(node.always ?? [])] as readonly Transition[];
}

function labelOf(
  { eventType, delay, guard }: Transition,
  { node, portable }: { node: AnyStateNode; portable: Portable },
): string {
  const event = delay === undefined ? eventLabel(eventType, { node, portable }) : `after ${delayLabel(delay)}`;
  return guard === undefined ? event : `${event} [${portable.guardLabel(guard)}]`;
}

function delayLabel(delay: unknown): string {
  return typeof delay === 'number' ? `${delay} ms` : String(delay);
}

function eventLabel(event: string, { node, portable }: { node: AnyStateNode; portable: Portable }): string {
  if (event === '') return 'always';
  const [, kind, id] = /^xstate\.(done\.state|done\.actor|error\.actor|snapshot)\.(.*)$/s.exec(event) ?? [];
  if (kind === undefined) return event;
  if (kind === 'done.state') return 'done';
  const index = node.invoke.findIndex((each) => each.id === id);
  const source = listed(node.config.invoke)[index] as { src: unknown } | undefined;
  return `${kind.split('.')[0]} ${source === undefined ? id : portable.actorLabel(source.src)}`;
}

/** From where to where a transition is drawn. */
function ends(node: AnyStateNode, { to, event }: { to: AnyStateNode; event: string }): [AnyStateNode, AnyStateNode][] {
  if (isInside(to, node)) return spread(node, { to, event });
  const isOuter = to !== node && isInside(node, to);
  if (isOuter || (to === node && node.parent === undefined)) {
    const begins = entryOf(to, node);
    return isInside(begins, node) ? spread(node, { to: begins, event }) : [[node, begins]];
  }
  return [[node, to]];
}

/** A transition into the state it starts from: it leaves from what is between the two. */
function spread(
  node: AnyStateNode,
  { to, event }: { to: AnyStateNode; event: string },
): [AnyStateNode, AnyStateNode][] {
  const inner = Object.values(node.states);
  if (event === `xstate.done.state.${node.id}`) {
    return inner.filter(({ type }) => type === 'final').map((from) => [from, to]);
  }
  const home = inner.find((each) => isInside(to, each));
  if (node.type === 'parallel') return home === undefined ? [] : spread(home, { to, event });
  return inner.flatMap((from): [AnyStateNode, AnyStateNode][] => {
    if (from.type === 'final' || from.type === 'history' || answers(from, event)) return [];
    return from === home ? spread(from, { to, event }) : [[from, to]];
  });
}

/** Where one is after entering an outer state from within: its beginning, down to what does not hold the state itself. */
function entryOf(outer: AnyStateNode, node: AnyStateNode): AnyStateNode {
  const first = outer.type === 'compound' ? outer.initial.target[0] : undefined;
  if (first === undefined) return node;
  return isInside(node, first) || (first === node && node.type === 'compound') ? entryOf(first, node) : first;
}

/** Whether a state takes an event for itself, so that outer states never see it. */
function answers(node: AnyStateNode, event: string): boolean {
  if (event === '' || event.startsWith('xstate.')) return false;
  return [...node.transitions].some(
    ([descriptor, each]) =>
      (descriptor === event ||
        descriptor === '*' ||
        (descriptor.endsWith('.*') && event.startsWith(descriptor.slice(0, -1)))) &&
      each.some(({ guard }) => guard === undefined),
  );
}
