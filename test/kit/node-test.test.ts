import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

describe('the kit', () => {
  it("works under node's own test runner as well", async () => {
    const file = fileURLToPath(new URL('programs/node-test.ts', import.meta.url));
    const args = ['--conditions=homing-source', '--test', '--test-reporter=tap', file];
    const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
    expect(stdout).toContain('# pass 2\n');
    expect(stdout).toContain('# fail 0\n');
  });
});
