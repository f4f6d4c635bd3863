import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Authority } from '../../src/testing/certificates.ts';
import { Program, endPrograms, portOf } from './program.ts';

const folders: string[] = [];
afterEach(endPrograms);
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A folder as the comment in the example makes it. */
function folderOf(authority: Authority): string {
  const folder = mkdtempSync(join(tmpdir(), 'tls-example-'));
  folders.push(folder);
  writeFileSync(join(folder, 'ca.crt'), authority.cert);
  for (const name of ['localhost', 'ada']) {
    const { key, cert } = authority.issue({ name, hosts: [name] });
    writeFileSync(join(folder, `${name}.key`), key);
    writeFileSync(join(folder, `${name}.crt`), cert);
  }
  return folder;
}

const ours = folderOf(new Authority('our authority'));
const theirs = folderOf(new Authority('another authority'));

describe('the example with TLS', () => {
  it('knows one client by its certificate and another by its token, and refuses who has neither', async () => {
    const server = new Program('tls/server.ts', [ours, '0']);
    const port = await portOf(server);
    const ada = new Program('tls/client.ts', [ours, port, 'ada'], { TOKEN: '' });
    await ada.says(/^answer: hello ada$/);
    await server.says(/^ada came in by certificate$/);
    const ben = new Program('tls/client.ts', [ours, port], { TOKEN: 'sesame' });
    await ben.says(/^answer: hello ben$/);
    await server.says(/^ben came in by token$/);
    const nobody = new Program('tls/client.ts', [ours, port], { TOKEN: 'guess' });
    await nobody.says(/^refused: expected a certificate of our authority or a token that we know$/);
    expect(await nobody.end).toBe(0);
    expect(nobody.text).not.toContain('connection: up');
  });

  it('does not believe the certificate of a client that another authority has issued', async () => {
    const server = new Program('tls/server.ts', [ours, '0']);
    const port = await portOf(server);
    // The client believes our server, but its own certificate is of elsewhere.
    const { key, cert } = new Authority('our authority').issue({ name: 'ada' });
    writeFileSync(join(ours, 'mallory.key'), key);
    writeFileSync(join(ours, 'mallory.crt'), cert);
    const mallory = new Program('tls/client.ts', [ours, port, 'mallory'], { TOKEN: '' });
    await mallory.says(/^refused: expected a certificate of our authority/);
    expect(server.text).not.toContain('came in');
  });

  it('has a client that stays away from a server which another authority vouches for', async () => {
    const server = new Program('tls/server.ts', [theirs, '0']);
    const client = new Program('tls/client.ts', [ours, await portOf(server), 'ada']);
    await client.says(/^no connection: .*certificate/);
    await client.says(/^connection: connecting$/, client.lines.indexOf('connection: backoff'));
    expect(client.text).not.toMatch(/authenticating|answer/);
    expect(server.text).not.toContain('came in');
  });
});
