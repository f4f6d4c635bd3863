/**
 * What XState's action and guard creators made, read back: `raise({ type: 'PING' })` is a function with the event in a
 * field. One that was given nothing but plain values can be written as source text again; one that was given a function
 * cannot. They are told by their fields, not by identity: a user's machine may come from another copy of XState 5.
 */
import { literal } from './literal.ts';
import { type Reference, referred } from './names.ts';
import { type Plain, isPlain } from './values.ts';

/** A call that makes an action or a guard. */
export interface Creation {
  /** The call as source text. */
  readonly code: string;
  /** What it imports from XState. */
  readonly creators: readonly string[];
  /** A short name for people: `raise(PING)`, `not(isOpen)`. */
  readonly short: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** How an action was made, if a creator of XState made it from plain values. */
export function actionCreation(action: unknown): Creation | undefined {
  if (typeof action !== 'function') return undefined;
  const fields = action as unknown as Fields;
  switch (fields['type']) {
    case 'xstate.raise':
      return sending('raise', [], fields);
    case 'xstate.emit':
      return sending('emit', [], fields);
    case 'xstate.sendTo':
      return typeof fields['to'] === 'string' ? sending('sendTo', [fields['to']], fields) : undefined;
    case 'xstate.cancel':
      return naming('cancel', fields['sendId']);
    case 'xstate.stopChild':
      return naming('stopChild', fields['actorRef']);
    case 'xstate.log':
      return fields['label'] === undefined ? naming('log', fields['value']) : undefined;
    case 'xstate.assign':
      return assigning(fields['assignment']);
    default:
      return undefined;
  }
}

function sending(creator: string, first: readonly string[], { event, delay, id }: Fields): Creation | undefined {
  if (!isPlain(event) || !isPlain(delay) || !isPlain(id) || typeof event !== 'object' || event === null)
    return undefined;
  const chosen = Object.entries({ id, delay }).filter(([, value]) => value !== undefined);
  const words: readonly Plain[] = [...first, event, ...(chosen.length === 0 ? [] : [Object.fromEntries(chosen)])];
  const type = 'type' in event && typeof event['type'] === 'string' ? event['type'] : '';
  return {
    code: `${creator}(${words.map((word) => oneLine(word)).join(', ')})`,
    creators: [creator],
    short: `${creator}(${[...first, type].join(', ')})`,
  };
}

function naming(creator: string, name: unknown): Creation | undefined {
  if (typeof name !== 'string') return undefined;
  return { code: `${creator}(${oneLine(name)})`, creators: [creator], short: `${creator}(${name})` };
}

function assigning(assignment: unknown): Creation | undefined {
  if (!isPlain(assignment) || typeof assignment !== 'object' || assignment === null) return undefined;
  return {
    code: `assign(${oneLine(assignment)})`,
    creators: ['assign'],
    short: `assign(${Object.keys(assignment).join(', ')})`,
  };
}

/** How a guard was put together from others, if `and`, `or`, `not` or `stateIn` did. `nameOf` names what they are about. */
export function guardCreation(guard: unknown, nameOf: (inner: unknown) => Reference): Creation | undefined {
  if (typeof guard !== 'function' || !('check' in guard)) return undefined;
  const { guards, stateValue } = guard as unknown as Fields;
  if (stateValue !== undefined && isPlain(stateValue)) {
    const text = oneLine(stateValue);
    return { code: `stateIn(${text})`, creators: ['stateIn'], short: `in ${text.replaceAll(/['{} ]/g, '')}` };
  }
  // A bundler may have put a number behind the name.
  const creator = /^(and|or|not)(?:\$?\d+)?$/.exec(guard.name)?.[1];
  if (creator === undefined || !Array.isArray(guards)) return undefined;
  const names = guards.map((inner) => nameOf(inner));
  const words = names.map((name) => oneLine(name)).join(', ');
  const shown = names.map((name) => referred(name));
  return {
    code: creator === 'not' ? `not(${words})` : `${creator}([${words}])`,
    creators: [creator],
    short: `${creator}(${shown.join(', ')})`,
  };
}

function oneLine(value: Plain): string {
  return literal(value, { taken: Number.NEGATIVE_INFINITY });
}
