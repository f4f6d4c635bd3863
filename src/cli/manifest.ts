/** What the package says of itself. The file lies two folders up from here, among the sources and when built. */
import { readFileSync } from 'node:fs';

const { version, engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  readonly version: string;
  readonly engines: { readonly node: string };
};

/** The version of this package. */
export { version };

/** The oldest Node that will do, as `24.20`. */
export const nodeNeeded = engines.node.replace('>=', '');
