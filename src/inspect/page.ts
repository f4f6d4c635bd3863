/** Files that the inspector serves. */
import { statelyPage, statelyScript, statelyStyle } from './stately-page.ts';

/** A file with its content type. */
export interface PageFile {
  readonly type: string;
  readonly body: string | Uint8Array;
}

const fixed: Readonly<Record<string, PageFile>> = {
  '/stately.html': { type: 'text/html; charset=utf-8', body: statelyPage },
  '/stately.css': { type: 'text/css; charset=utf-8', body: statelyStyle },
  '/stately.js': { type: 'text/javascript; charset=utf-8', body: statelyScript },
};

/** The file at a path; undefined when there is none. */
export async function pageFile(path: string): Promise<PageFile | undefined> {
  return fixed[path];
}
