import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms, portOf } from './program.ts';

afterEach(endPrograms);

describe('the echo example', () => {
  it('goes on when the server is killed and started again, and says what is not known', async () => {
    const first = new Program('echo/server.ts', ['0']);
    const port = await portOf(first);
    const client = new Program('echo/client.ts', [port]);
    await client.says(/^ {2}echo "word 2"$/);
    expect(client.text).toMatch(/^ {2}handled "word 1" after \d+\.\d ms$/m);

    // The server stands still, so what is said next is written and never handled.
    first.signal('SIGSTOP');
    const silentSince = client.lines.length;
    const said = (await client.says(/^saying/, silentSince)).slice('saying '.length);
    await first.kill();
    await client.says(/^connection: backoff$/);
    const second = new Program('echo/server.ts', [port]);
    await client.says(/^the server lost its memory: 1 unconfirmed, 0 carried over$/);
    await client.says(new RegExp(`^ {2}nobody knows whether ${said} was handled, so once more$`));
    await second.says(/^session \w+ begins, epoch 2$/);
    await second.says(new RegExp(`^heard ${said}$`));
    await client.says(new RegExp(`^ {2}handled ${said} after`));
    expect(first.text).not.toContain(said);
  });

  it('keeps what is said while there is no server', async () => {
    const first = new Program('echo/server.ts', ['0']);
    const port = await portOf(first);
    const client = new Program('echo/client.ts', [port]);
    await client.says(/^ {2}echo "word 1"$/);
    await first.kill();
    await client.says(/^connection: backoff$/);
    const downSince = client.lines.length;
    await client.says(/^saying/, downSince);
    const second = new Program('echo/server.ts', [port]);
    await client.says(/^the server lost its memory: 0 unconfirmed, 1 carried over$/);
    await client.says(/^ {2}echo "word 3"$/);
    await second.says(/^heard "word 3"$/);
    expect([...first.lines, ...second.lines].filter((line) => line.startsWith('heard'))).toEqual(
      expect.arrayContaining(['heard "word 1"', 'heard "word 2"', 'heard "word 3"']),
    );
  });

  it('serves a client that was killed and started again as a new one', async () => {
    const server = new Program('echo/server.ts', ['0']);
    const port = await portOf(server);
    const first = new Program('echo/client.ts', [port]);
    await first.says(/^ {2}echo "word 1"$/);
    await first.kill();
    await server.says(/^session \w+ waits for its client \(line-lost\)$/);
    const since = server.lines.length;
    const second = new Program('echo/client.ts', [port]);
    await second.says(/^ {2}echo "word 1"$/);
    expect(server.lines.slice(0, since)).not.toContain(await server.says(/^session \w+ begins, epoch 1$/, since));
  });

  it('finishes with its client on SIGTERM, and the client waits for the next server', async () => {
    const server = new Program('echo/server.ts', ['0']);
    const client = new Program('echo/client.ts', [await portOf(server)]);
    await client.says(/^ {2}echo "word 1"$/);
    server.signal('SIGTERM');
    expect(await server.end).toBe(0);
    expect(server.text).toMatch(/^session \w+ ends \(going-away\): 0 unconfirmed, 0 never written$/m);
    expect(server.lines.at(-1)).toBe('closed');
    await client.says(/^connection: backoff$/);
  });
});
