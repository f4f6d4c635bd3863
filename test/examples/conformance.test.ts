import { afterEach, describe, expect, it } from 'vitest';
import { homing } from '../cli/program.ts';
import { Program, endPrograms, portOf } from './program.ts';

afterEach(endPrograms);

describe('the conformance example', () => {
  it('is a server that the suite is content with', async () => {
    const server = new Program('conformance/server.ts', ['0', '2']);
    const { code, out } = await homing(['conformance', '--port', await portOf(server), '--only', 'H', 'K', 'P']);
    expect(out).toMatch(/^all +107 +107 /m);
    expect(code).toBe(0);
    server.signal('SIGTERM');
    expect(await server.end).toBe(0);
  });
});
