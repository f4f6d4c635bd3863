/** How a program dials again that uses a contestant without reconnecting: what most programs do themselves. */
import { setTimeout as sleep } from 'node:timers/promises';

const EAGER_MS = 5;
const PATIENT_MS = 1_000;

/** Dials until one answers, or until nobody wants it any more; then undefined. */
export async function redial<Line>(
  dial: () => Promise<Line>,
  { isEager, isWanted }: { readonly isEager: boolean; readonly isWanted: () => boolean },
): Promise<Line | undefined> {
  while (isWanted()) {
    await sleep(isEager ? EAGER_MS : PATIENT_MS);
    try {
      if (isWanted()) return await dial();
    } catch {
      // Again later: the server may not be back yet.
    }
  }
  return undefined;
}
