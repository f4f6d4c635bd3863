/** Who shows the picture: a terminal's other screen, drawn anew some twelve times a second. */
import type { WriteStream } from 'node:tty';
import { paint } from './paint.ts';
import { picture } from './picture.ts';
import type { Tally } from './tally.ts';

const REDRAW_MS = 80;

/** Shows a tally until it is closed; what the user had on the screen is there again afterwards. */
export class LiveView implements Disposable {
  readonly #terminal: WriteStream;
  readonly #drawing: NodeJS.Timeout;

  constructor(terminal: WriteStream, tally: Tally) {
    this.#terminal = terminal;
    const isPainted = terminal.getColorDepth() > 1;
    terminal.write('\x1b[?1049h\x1b[?25l');
    this.#drawing = setInterval(() => {
      const { columns, rows } = terminal;
      const lines = picture(tally, columns, rows).map((row) => `  ${paint(row, columns - 3, isPainted)}\x1b[K`);
      terminal.write(`\x1b[H${lines.join('\n')}\x1b[J`);
    }, REDRAW_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#drawing);
    this.#terminal.write('\x1b[?25h\x1b[?1049l');
  }
}
