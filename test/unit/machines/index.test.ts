// Who imports `homing` pays nothing for the export of machines: what is loaded is asked of Node itself.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The files under src/machines that are loaded for one import. */
async function loadedBy(specifier: string): Promise<string[]> {
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({ load(url, context, next) { console.log(url); return next(url, context); } });
    await import('${specifier}');`;
  const words = ['--conditions=homing-source', '--input-type=module', '--eval', program];
  const { stdout } = await run(process.execPath, words, { cwd: root });
  return [...stdout.matchAll(/\/src\/machines\/(\S+)/g)].map(([, file = '']) => file);
}

describe('homing/machines', () => {
  it('is not loaded with homing, and is with its own name', async () => {
    const [usual, own] = await Promise.all([loadedBy('homing'), loadedBy('homing/machines')]);
    expect(usual).toContain('dialling.ts');
    expect(usual.filter((file) => /^(?:index|catalogue)\.ts$|^export\//.test(file))).toEqual([]);
    expect(own).toContain('export/machine.ts');
    expect(own).not.toContain('runner.ts');
  });
});
