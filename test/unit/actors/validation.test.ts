import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Schema, Validation, checked } from '../../../src/actors/validation.ts';

const zod = z.tuple([z.string(), z.object({ age: z.number().min(0) })]);
const valibot = v.tuple([v.string(), v.object({ age: v.pipe(v.number(), v.minValue(0)) })]);

describe.each<[string, Schema]>([
  ['zod', zod],
  ['valibot', valibot],
])('a schema of %s', (_, schema) => {
  it('lets arguments pass that fit', () => {
    expect(checked(schema, 'greet', ['ada', { age: 36 }])).toEqual(['ada', { age: 36 }]);
  });

  it('refuses others with the name and the place of each fault', () => {
    expect(() => checked(schema, 'greet', [7, { age: -1 }])).toThrow(
      expect.objectContaining({
        code: 'InvalidInput',
        message: expect.stringMatching(/^greet: args\[0\]: .+; args\[1\]\.age: .+$/s),
      }),
    );
  });
});

describe('validation', () => {
  it('hands on what a schema makes of the arguments', () => {
    const schema = z.tuple([z.coerce.number(), z.string().default('nobody')]);
    expect(checked(schema, 'greet', ['7', undefined])).toEqual([7, 'nobody']);
  });

  it('waits for a schema that answers later', async () => {
    const isFree = z.string().refine(async (name) => Promise.resolve(name !== 'taken'), 'is taken');
    const schema = z.tuple([isFree]);
    expect(await checked(schema, 'join', ['ada'])).toEqual(['ada']);
    await expect(checked(schema, 'join', ['taken'])).rejects.toMatchObject({
      code: 'InvalidInput',
      message: 'join: args[0]: is taken',
    });
  });

  it('tells of a few faults of many', () => {
    const issues = Array.from({ length: 100 }, (_, at) => ({ message: 'wrong', path: [{ key: at }, 'x'] }));
    const schema: Schema = { '~standard': { version: 1, vendor: 'ours', validate: () => ({ issues }) } };
    expect(() => checked(schema, 'many', [])).toThrow(/^many: args\[0\]\.x: wrong(; args\[\d\]\.x: wrong){4}$/);
  });

  it('takes no schema whose outcome is no list of arguments', () => {
    expect(() => checked(z.array(z.string()).transform((list) => list.join()) as Schema, 'join', ['a'])).toThrow(
      expect.objectContaining({ code: 'InvalidInput' }),
    );
  });

  it('knows events and methods apart, and what is no schema', () => {
    const validation = new Validation({ events: { say: zod }, methods: { ask: valibot } });
    expect([validation.event('say'), validation.event('ask'), validation.event('toString')]).toEqual([
      zod,
      undefined,
      undefined,
    ]);
    expect([validation.method('ask'), validation.method('say')]).toEqual([valibot, undefined]);
    const wrong = { events: { say: {} as Schema } };
    expect(() => new Validation(wrong)).toThrow('expected validate.events.say to be a Standard Schema');
  });
});
