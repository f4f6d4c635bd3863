import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms, portOf } from './program.ts';

afterEach(endPrograms);

describe('the rooms', () => {
  it('are heard by those who are in them, wherever they live, and everybody sees who is where', async () => {
    const server = new Program('rooms/server.ts', ['0']);
    const port = await portOf(server);
    const enter = async (name: string): Promise<Program> => {
      const person = new Program('rooms/client.ts', [name, port]);
      await person.says(/^\(in the house\)$/);
      return person;
    };
    const ada = await enter('ada');
    await server.says(/^ada came, 1 are here$/);
    const ben = await enter('ben');
    await ada.says(/^\* ben came$/);
    const cyd = await enter('cyd');
    await ada.says(/^\* cyd came$/);
    await ben.says(/^\* cyd came$/);

    cyd.type('/go kitchen');
    await ada.says(/^\* cyd is in kitchen$/);
    ben.type('/away');
    await ben.says(/^\(away\)$/);
    ada.type('for the hall');
    cyd.type('for the kitchen');
    ada.type('/tell cyd psst');
    await cyd.says(/^ada whispers: psst$/);
    ada.type('/tell dan psst');
    await ada.says(/^\* nobody is called dan$/);
    ada.type('/who');
    await ada.says(/^\* ben is in hall$/);
    expect(ben.text).not.toContain('for the');
    ben.type('/back');
    await ben.says(/^ada: for the hall$/);
    expect(ada.lines).not.toContain('ada: for the hall');
    expect([ada, ben, cyd].map(({ text }) => text).join()).not.toContain('for the kitchen');

    cyd.type('/quit');
    await ada.says(/^\* cyd went$/);
    expect(await cyd.end).toBe(0);
    server.signal('SIGTERM');
    expect(await server.end).toBe(0);
  });

  it('refuse a room that is none, and a name that is none', async () => {
    const server = new Program('rooms/server.ts', ['0']);
    const port = await portOf(server);
    const nobody = new Program('rooms/client.ts', ['no name', port]);
    await nobody.says(/^\(over: refused expected a name of 1 to 20 letters or digits\)$/);
    expect(await nobody.end).toBe(1);
    const ada = new Program('rooms/client.ts', ['ada', port]);
    await ada.says(/^\(in the house\)$/);
    ada.type('/go');
    await ada.says(/^\(store\.room: the server does not allow this write\)$/);
  });
});
