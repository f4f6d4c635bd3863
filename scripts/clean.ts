/** Removes what a build leaves, so that a renamed file does not live on in `dist`. */
import { rmSync } from 'node:fs';

rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });
