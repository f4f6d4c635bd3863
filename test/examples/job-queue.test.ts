import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms, portOf } from './program.ts';

afterEach(endPrograms);

/** The jobs that a line of this form names, in the order in which they were told. */
const jobsIn = (programs: readonly Program[], pattern: RegExp): string[] =>
  programs.flatMap(({ lines }) => lines.flatMap((line) => pattern.exec(line)?.[1] ?? []));

describe('the job queue', () => {
  it('gives each job to one worker, and reports the one that a killed worker had begun', async () => {
    const server = new Program('job-queue/server.ts', ['0', '12']);
    const port = await portOf(server);
    await server.says(/^job 12 waits for a free worker$/);
    const ada = new Program('job-queue/client.ts', ['ada', port]);
    const ben = new Program('job-queue/client.ts', ['ben', port, '60000']);
    const inTheMiddle = (await ben.says(/^ben begins job \d+$/)).replace('ben begins ', '');
    await server.says(/ is done by ada$/);
    await ben.kill();
    const workers = [ada, ben, new Program('job-queue/client.ts', ['ben', port])];
    expect(await server.says(/^all settled: /)).toBe('all settled: 11 done, 1 in doubt, 0 for which nobody came');

    const begunBySomebody = jobsIn(workers, /begins (job \d+)$/);
    expect(new Set(begunBySomebody).size).toBe(12);
    expect(begunBySomebody).toHaveLength(12);
    const done = jobsIn([server], /^(job \d+) is done by /);
    const inDoubt = jobsIn([server], /^(job \d+) is in doubt: ben is gone$/);
    expect([...done, ...inDoubt].toSorted()).toEqual(begunBySomebody.toSorted());
    expect(inDoubt).toEqual([inTheMiddle]);
  });

  it('reports jobs for which nobody comes, and goes on with those who come later', async () => {
    const server = new Program('job-queue/server.ts', ['0', '3', '50']);
    const port = await portOf(server);
    expect(await server.says(/^all settled: /)).toBe('all settled: 0 done, 0 in doubt, 3 for which nobody came');
    const given = server.lines.filter((line) => line.endsWith(' is given up: nobody came'));
    expect(given.map((line) => line.replace(/ is .*$/, ''))).toEqual(['job 1', 'job 2', 'job 3']);
    await new Program('job-queue/client.ts', ['ada', port]).says(/^ready for work$/);
  });

  it('lets a worker that is asked to stop finish its job, and gives the next one to somebody else', async () => {
    const server = new Program('job-queue/server.ts', ['0', '2']);
    const port = await portOf(server);
    const ada = new Program('job-queue/client.ts', ['ada', port, '1000']);
    await ada.says(/^ada begins job 1$/);
    ada.signal('SIGTERM');
    expect(await ada.end).toBe(0);
    await server.says(/^job 1 is done by ada$/);
    const ben = new Program('job-queue/client.ts', ['ben', port]);
    expect(await server.says(/^all settled: /)).toBe('all settled: 2 done, 0 in doubt, 0 for which nobody came');
    expect(ben.lines.filter((line) => / begins /.test(line))).toEqual(['ben begins job 2']);
    server.signal('SIGTERM');
    expect(await server.end).toBe(0);
  });
});
