/** `homing inspect`: says what an inspector shows right now, and opens its page, or Stately's, in a browser. */
import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { type Snapshot, snapshotOf, withToken } from './snapshot.ts';

/** What may be asked. */
export interface InspectOptions {
  /** Opens the page, as it does unless told otherwise; `stately`: Stately's inspector instead, fed by this one. */
  readonly open?: boolean | string;
  readonly token?: string;
}

/** Prints what is there. Resolves to the exit code: 1 if no inspector answers. */
export async function inspect(url: URL, { open = true, token }: InspectOptions): Promise<number> {
  let snapshot: Snapshot;
  try {
    snapshot = await snapshotOf(url, token);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
  const { node, shards, total } = snapshot;
  process.stdout.write(
    `process ${node}: ${count(shards.length, 'thread')}, ${count(total, 'connection and session')}\n`,
  );
  for (const { place, states, sessions } of shards) {
    const words = Object.entries(states).flatMap(([machine, each]) =>
      Object.entries(each).flatMap(([state, many]) => (many > 0 ? [`${machine} ${state} ${many}`] : [])),
    );
    process.stdout.write(
      `  ${place.padEnd(8)} sessions ${sessions}${words.length > 0 ? `, ${words.join(', ')}` : ''}\n`,
    );
  }
  const page = withToken(new URL(open === 'stately' ? '/stately.html' : '/', url), token);
  process.stdout.write(`${open === false ? 'page' : 'opening'}: ${page.href}\n`);
  if (open !== false) openBrowser(page.href);
  return 0;
}

function count(many: number, what: string): string {
  return `${many} ${
    many === 1
      ? what
      : what
          .split(' ')
          .map((word) => (word === 'and' ? word : `${word}s`))
          .join(' ')
  }`;
}

/** The browser is another program: it lives on, and whether it comes up is not ours to know. */
function openBrowser(address: string): void {
  const [command, ...args] = { darwin: ['open'], win32: ['cmd', '/c', 'start', ''] }[platform() as string] ?? [
    'xdg-open',
  ];
  if (command === undefined) return;
  const child = spawn(command, [...args, address], { detached: true, stdio: 'ignore' });
  child.on('error', () => process.stderr.write(`no browser could be started: open ${address}\n`));
  child.unref();
}
