/** How a server or a client comes to its inspector: one that was given, or one of its own that is loaded when it is asked for. */
import type { InspectHub, InspectReport, InspectSource } from '../actors/events.ts';
import { describeError } from '../actors/describe.ts';
import { HomingError } from '../errors.ts';
import type { Inspector, InspectorOptions } from '../inspect/inspector.ts';

/** An inspector to be seen in, or how to open one that ends with its owner. */
export type Inspect = InspectorOptions | Inspector;

/** Where threads are made known, for as long as the owner lives. */
export interface Inspection extends InspectHub {
  /** Ends an inspector that is the owner's own. */
  close(): Promise<void>;
}

/** The inspection of an owner; undefined when none is wanted. Errors of opening are told, later. */
export function inspectionOf(
  inspect: Inspect | undefined,
  failed: (error: HomingError) => void,
): Inspection | undefined {
  if (inspect === undefined) return undefined;
  if ('join' in inspect) return { join: (source) => inspect.join(source), close: () => Promise.resolve() };
  return new OwnInspection(inspect, failed);
}

class OwnInspection implements Inspection {
  readonly #opening: Promise<Inspector | undefined>;

  constructor(options: InspectorOptions, failed: (error: HomingError) => void) {
    this.#opening = open(options).catch((error: unknown) => {
      const sentence = `the inspector could not be opened: ${describeError(error).message}`;
      failed(error instanceof HomingError ? error : new HomingError('ListenFailed', sentence, { cause: error }));
      return undefined;
    });
  }

  join(source: InspectSource): ReturnType<InspectHub['join']> {
    let joined: ReturnType<InspectHub['join']> | undefined;
    let isLeft = false;
    void this.#opening.then((inspector) => {
      if (!isLeft) joined = inspector?.join(source);
    });
    return {
      told: (report: InspectReport) => joined?.told(report),
      leave: () => {
        isLeft = true;
        joined?.leave();
      },
    };
  }

  async close(): Promise<void> {
    const inspector = await this.#opening;
    await inspector?.close();
  }
}

async function open(options: InspectorOptions): Promise<Inspector> {
  const { openInspector } = await import('../inspect/index.ts');
  return openInspector(options);
}
