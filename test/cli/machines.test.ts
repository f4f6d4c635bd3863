import { describe, expect, it } from 'vitest';
import { exportMachine, machines } from 'homing/machines';
import { homing } from './program.ts';

describe('homing machines', () => {
  it('lists every machine with a sentence', async () => {
    const { code, out, complaint } = await homing(['machines']);
    expect({ code, complaint }).toEqual({ code: 0, complaint: '' });
    const rows = out
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/));
    expect(rows).toEqual(Object.entries(machines).map(([name, { about }]) => [name, about]));
  });

  it('prints the source of one that starts as it is started by default', async () => {
    const { machine, input } = machines.dialling;
    const { code, out } = await homing(['machines', 'dialling']);
    expect(code).toBe(0);
    expect(out).toBe(exportMachine(machine, { format: 'source', input }));
    expect(out).toContain('handshake: 10_000');
  });

  it.each(['json', 'mermaid'] as const)('prints one as %s', async (format) => {
    const { code, out } = await homing(['machines', 'shard', '--format', format]);
    expect(code).toBe(0);
    expect(out).toBe(exportMachine(machines.shard.machine, { format }));
  });
});
