// Schemas between real ends: what does not fit never reaches a handler, and its sender learns which field.
import { createClient, createServer } from 'homing';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { failureOf } from './world.ts';

type Talk = {
  server: { events: { say: [text: string] }; methods: { double(n: number): number } };
  client: { events: {}; methods: { mood(scale: number): string } };
};

async function talk() {
  const heard: unknown[] = [];
  const server = createServer<Talk>({
    validate: { events: { say: z.tuple([z.string().max(5)]) }, methods: { double: z.tuple([z.coerce.number()]) } },
    start(session) {
      session.on('say', (text) => heard.push(text));
      session.expose({ double: (n) => n * 2 });
      session.on('say', async () => {
        heard.push(
          await session.call('mood', 3).catch((error: Error & { cause?: { code?: string } }) => error.cause?.code),
        );
      });
    },
  });
  const errors: string[] = [];
  server.on('error', (error) => errors.push(`${error.code} ${(error.cause as { code?: string }).code}`));
  const { port } = await server.listen(0);
  const client = createClient<Talk>(port, {
    validate: { methods: { mood: v.tuple([v.pipe(v.number(), v.maxValue(2))]) } },
  });
  client.expose({ mood: (scale) => `fine, ${scale}` });
  return { server, client, heard, errors };
}

describe('arguments that a schema refuses', () => {
  it('reach no handler; deliver and call learn which field, and what comes next is handled', async () => {
    const { server, client, heard, errors } = await talk();
    const refused = await failureOf(client.deliver('say', 'far too long'));
    expect(refused).toMatchObject({ code: 'HandlerFailed', cause: { code: 'InvalidInput' } });
    expect((refused.cause as Error).message).toMatch(/^say: args\[0\]: /);
    expect(heard).toEqual([]);
    expect(errors).toEqual(['HandlerFailed InvalidInput']);
    const uncalled = await failureOf(client.call('double', 'x' as never));
    expect(uncalled).toMatchObject({ code: 'HandlerFailed', cause: { code: 'InvalidInput' } });
    await client.deliver('say', 'hi');
    expect(heard).toEqual(['hi', 'InvalidInput']);
    await client.close();
    await server.close();
  });

  it('and those that it converts arrive as it made them', async () => {
    const { server, client } = await talk();
    expect(await client.call('double', '21' as never)).toBe(42);
    await client.close();
    await server.close();
  });
});
