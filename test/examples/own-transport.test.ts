import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms } from './program.ts';

afterEach(endPrograms);

describe('the example with a transport of its own', () => {
  it('carries a session through HTTP upgrades, beside the pages of the site, across cuts', async () => {
    const server = new Program('own-transport/server.ts', ['0']);
    const site = (await server.says(/^a web site at /)).replace('a web site at ', '');
    const client = new Program('own-transport/client.ts', [site]);
    await client.says(/^up, a new session$/);
    await client.says(/^the server counts 3$/);

    let sum = 0;
    for (let cut = 1; cut <= 3; cut += 1) {
      const since = client.lines.length;
      const page = await (await fetch(`${site}/cut`, { method: 'POST' })).text();
      sum = Number(/^(\d+) steps, 1 sessions$/m.exec(page)?.[1]);
      await client.says(/^down: line-lost$/, since);
      await client.says(/^up again, the same session$/, since);
      await client.says(new RegExp(`^the server counts ${sum + 2}$`), since);
    }
    // Every step was counted once: the sums that came back have no hole and no repetition.
    const sums = client.lines.flatMap((line) => /^the server counts (\d+)$/.exec(line)?.[1] ?? []).map(Number);
    expect(sums).toEqual(Array.from(sums, (_, at) => at + 1));
    expect(client.lines.filter((line) => line === 'asking for an upgrade')).toHaveLength(4);
    expect(new Set(server.text.match(/session \w+/g)).size).toBe(1);
  });

  it('keeps the contract of transports, told by a runner of its own', async () => {
    const run = new Program('own-transport/transport.test.ts');
    expect(await run.end).toBe(0);
    expect(run.text).toMatch(/^ℹ pass 29$/m);
    expect(run.text).toMatch(/^ℹ fail 0$/m);
  });

  it('tries again where there is no upgrade to be had', async () => {
    const server = new Program('own-transport/server.ts', ['0']);
    const site = (await server.says(/^a web site at /)).replace('a web site at ', '');
    const client = new Program('own-transport/client.ts', [site]);
    await client.says(/^up, a new session$/);
    await server.kill();
    const since = client.lines.length;
    await client.says(/^asking for an upgrade$/, since);
    const again = new Program('own-transport/server.ts', [new URL(site).port]);
    await client.says(/^up, a new session$/, since);
    await again.says(/^session \w+ is new$/);
  });
});
