import { afterEach, describe, expect, it } from 'vitest';
import { Program, endPrograms, portOf } from './program.ts';

afterEach(endPrograms);

describe('the chat example', () => {
  it('in one program: who is away hears everything when he is back, in order', async () => {
    const chat = new Program('chat/main.ts');
    expect(await chat.end).toBe(0);
    const heard = (name: string): string[] =>
      chat.lines.filter((line) => line.startsWith(`  ${name} hears `)).map((line) => line.replace(/^.* hears /, ''));
    const all = [
      'ada: Is everybody here?',
      'ben: I am, but my train goes into a tunnel.',
      'cyd: Then let us talk about him.',
      'ada: He will hear every word, in order.',
      'ben: I heard that.',
    ];
    for (const name of ['ada', 'ben', 'cyd']) expect(heard(name)).toEqual(all);
    expect(chat.lines).toContain('  ada is told: here: ada, ben (away), cyd');
    const absence = chat.lines.slice(chat.lines.indexOf('-- ben is away'), chat.lines.indexOf('-- ben is back'));
    expect(absence.filter((line) => line.startsWith('  ben'))).toEqual([]);
    expect(absence.filter((line) => line.startsWith('  cyd'))).toHaveLength(2);
  });

  it('in one program for each person: commands, absence, and leaving', async () => {
    const server = new Program('chat/server.ts', ['0']);
    const port = await portOf(server);
    const ada = new Program('chat/client.ts', ['ada', port]);
    await ada.says(/^\* ada came in$/);
    const ben = new Program('chat/client.ts', ['ben', port]);
    await ada.says(/^\* ben came in$/);
    ben.type('/away');
    await server.says(/^ben has no connection \(disconnected\)$/);
    ada.type('first');
    ada.type('second');
    ada.type('/who');
    await ada.says(/^\* here: ada, ben \(away\)$/);
    expect(ben.text).not.toContain('ada: first');
    ben.type('/back');
    await server.says(/^ben is back$/);
    await ben.says(/^ada: second$/);
    expect(ben.lines.filter((line) => line.startsWith('ada: '))).toEqual(['ada: first', 'ada: second']);
    ben.type('/quit');
    await ada.says(/^\* ben left$/);
    expect(await ben.end).toBe(0);
    server.signal('SIGTERM');
    expect(await server.end).toBe(0);
  });

  it('refuses a name that is none', async () => {
    const server = new Program('chat/server.ts', ['0']);
    const nobody = new Program('chat/client.ts', ['no name', await portOf(server)]);
    await nobody.says(/^\(over: refused expected a name of 1 to 20 letters or digits\)$/);
    expect(await nobody.end).toBe(0);
  });
});
