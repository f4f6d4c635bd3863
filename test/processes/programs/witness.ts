/**
 * What both programs have in common: a log of sights, one character on stdout for each thing that is done, which is what the
 * lane counts, and orders that come by stdin.
 */
import { flushCompileCache } from 'node:module';
import { createInterface } from 'node:readline';
import { SightLog, sharedNowMs } from '../../../src/testing/sight-log.ts';
import { type BareSight, type Sight, sightBy } from '../../../src/testing/sights.ts';
import type { Watcher } from '../../../src/testing/watcher.ts';

/** Who this process is. */
export interface Role {
  readonly who: string;
  readonly life: number;
}

/** What is shown of a sight: `.` for work, `d` for a connection that was lost or could not be made. */
const shown: Partial<Record<Sight['type'], string>> = { sent: '.', ended: '.', down: 'd', redials: 'd' };

/** The eyes of one process. */
export class Witness {
  readonly #role: Role;
  readonly #log: SightLog;

  constructor(role: Role, file: string) {
    this.#role = role;
    this.#log = new SightLog(file);
    process.on('uncaughtExceptionMonitor', (error) => this.tell({ type: 'uncaught', words: String(error) }));
    this.tell({ type: 'begins' });
    flushCompileCache();
  }

  /** For `watch`. */
  get watcher(): Watcher {
    return { ...this.#role, now: sharedNowMs, tell: (sight) => this.#take(sight) };
  }

  /** Tells a sight of this process. */
  tell(sight: BareSight): void {
    this.#take(sightBy(this.#role, sharedNowMs(), sight));
  }

  /** Shows a word to the lane, on a line of its own. */
  show(word: string): void {
    process.stdout.write(`\n${word}\n`);
  }

  #take(sight: Sight): void {
    this.#log.tell(sight);
    const character = shown[sight.type];
    if (character !== undefined) process.stdout.write(character);
  }
}

/** Carries out orders, one a line. When nobody can give one any more, this process ends as well. */
export function obey(orders: Readonly<Record<string, () => void>>): void {
  const lines = createInterface({ input: process.stdin });
  lines.on('line', (line) => orders[line]?.());
  lines.on('close', () => process.exit(3));
}
