/** Where a value stands in a message: the steps of a link on the wire, and the path in the sentence of an error. */
import { ValueTag } from './limits.ts';

/** A step from the value around it, and so on to the root; arrays that carry maps, sets and errors are stepped through. */
export interface Place {
  /** Only the root has none. */
  readonly parent: Place | undefined;
  /** The key in an object, the index in an array. */
  readonly step: string | number;
  /** The tag of the value that the step leads into; 0 for objects and arrays. */
  readonly into: number;
}

const rootPlace: Place = { parent: undefined, step: '', into: 0 };

/** The place a step below the parent; the root's when there is no parent. */
export function placeOf(parent: Place | undefined, step: string | number, into: number): Place {
  return parent === undefined ? rootPlace : { parent, step, into };
}

/** The steps from the root to the place, as a link carries them. */
export function stepsTo(place: Place): (string | number)[] {
  const steps: (string | number)[] = [];
  for (let at = place; at.parent !== undefined; at = at.parent) steps.push(at.step);
  return steps.reverse();
}

/** The place for a reader, such as `args[0].profile`. Without the name of a root the value is `[name, ...args]`. */
export function pathOf(place: Place, root: string | undefined): string {
  if (place.parent === undefined) return root ?? 'message';
  if (place.parent === rootPlace && root === undefined && typeof place.step === 'number') {
    return place.step === 0 ? 'name' : `args[${place.step - 1}]`;
  }
  return `${pathOf(place.parent, root)}${stepText(place)}`;
}

/** Longer keys are cut, so that a sentence stays one. */
const SHOWN_KEY_LENGTH_MAX = 64;

function stepText({ step, into }: Place): string {
  if (typeof step === 'string') {
    return /^[A-Za-z_$][\w$]*$/.test(step) && step.length <= SHOWN_KEY_LENGTH_MAX
      ? `.${step}`
      : `[${JSON.stringify(step.slice(0, SHOWN_KEY_LENGTH_MAX))}]`;
  }
  switch (into) {
    case ValueTag.MAP:
      return step % 2 === 0 ? `<key ${step / 2}>` : `<value ${(step - 1) / 2}>`;
    case ValueTag.SET:
      return `<element ${step}>`;
    case ValueTag.ERROR:
      return ['.name', '.message', '.code', '.cause'][step] ?? '';
    default:
      return `[${step}]`;
  }
}
