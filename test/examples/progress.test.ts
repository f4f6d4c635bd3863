import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms, portOf } from './program.ts';

afterEach(endPrograms);

describe('the progress example', () => {
  it('reaches callbacks, frames and functions over a line that is cut, and ends what is given up', async () => {
    const server = new Program('progress/server.ts', ['0']);
    const client = new Program('progress/client.ts', [await portOf(server)]);
    await client.says(/^Faust is not ordered any more$/);
    await server.says(/^nobody takes frames of Nosferatu any more$/);
    const parts = [1, 2, 3, 4, 5].map((part) => `part ${part} of 5`);
    expect(client.lines.filter((line) => line.endsWith('of 5'))).toEqual(parts);
    expect(client.lines.filter((line) => line === '  the same session goes on')).toHaveLength(2);
    expect(client.lines).toEqual(
      expect.arrayContaining([
        'Metropolis has 600 seconds',
        '1000 frames, none missing, up to 00:00:40.000',
        'M is given up: Deadline',
      ]),
    );
  });
});
