import { describe, expect, it } from 'vitest';
import { type Note, Notes } from '../../../src/actors/notes.ts';

function open() {
  const tasks: (() => void)[] = [];
  const told: (readonly [place: number, notes: readonly Note[]])[] = [];
  const notes = new Notes({ defer: (task) => void tasks.push(task) }, (place, each) => void told.push([place, each]));
  return { notes, told, tasks, turn: () => tasks.splice(0).forEach((task) => task()) };
}

const watch: Note = { type: 'watch' };
const unwatch: Note = { type: 'unwatch' };

describe('notes', () => {
  it('cross once a tick, those for one place together and in order', () => {
    const { notes, told, tasks, turn } = open();
    notes.post(1, watch);
    notes.post(2, watch);
    notes.post(1, unwatch);
    expect([told.length, tasks.length]).toEqual([0, 1]);
    turn();
    expect(told).toEqual([
      [1, [watch, unwatch]],
      [2, [watch]],
    ]);
    turn();
    expect(told).toHaveLength(2);
  });

  it('that are posted while others leave, go with the next tick', () => {
    const tasks: (() => void)[] = [];
    const told: (readonly Note[])[] = [];
    const notes: Notes = new Notes({ defer: (task) => void tasks.push(task) }, (_place, each) => {
      told.push(each);
      if (told.length === 1) notes.post(1, unwatch);
    });
    notes.post(1, watch);
    tasks.shift()?.();
    expect([told, tasks.length]).toEqual([[[watch]], 1]);
    tasks.shift()?.();
    expect(told).toEqual([[watch], [unwatch]]);
  });
});
