import { expect, test } from 'vitest';
import { Listeners, warn } from '../../../src/actors/listeners.ts';
import { Warnings, nextTick, thrownBy, until } from '../../loopback/world.ts';

type Events = { up: [text: string]; down: [] };

function scene() {
  const failures: unknown[] = [];
  return { failures, listeners: new Listeners<Events>((error) => void failures.push(error)) };
}

test('everybody who listened when it began is told, in order', () => {
  const { listeners } = scene();
  const heard: string[] = [];
  const removeB = (): void => remove();
  listeners.on('up', (text) => {
    heard.push(`a ${text}`);
    removeB();
    listeners.on('up', () => void heard.push('late'));
  });
  const remove = listeners.on('up', (text) => void heard.push(`b ${text}`));
  listeners.emit('up', 'x');
  expect(heard).toEqual(['a x', 'b x']);
  listeners.emit('down');
  expect(heard).toHaveLength(2);
});

test('the same function is told once, and not after it was removed', () => {
  const { listeners } = scene();
  let count = 0;
  const listener = (): void => {
    count += 1;
  };
  listeners.on('down', listener);
  const remove = listeners.on('down', listener);
  expect([listeners.has('down'), listeners.has('up')]).toEqual([true, false]);
  listeners.emit('down');
  remove();
  remove();
  listeners.emit('down');
  expect([count, listeners.has('down')]).toEqual([1, false]);
});

test('a throw or a rejection is told to the owner and stops nobody', async () => {
  const { failures, listeners } = scene();
  const heard: string[] = [];
  listeners.on('up', () => {
    throw new Error('thrown');
  });
  listeners.on('up', () => Promise.reject(new Error('rejected')));
  listeners.on('up', () => void heard.push('told'));
  listeners.emit('up', 'x');
  await nextTick();
  expect(heard).toEqual(['told']);
  expect(failures).toMatchObject([{ message: 'thrown' }, { message: 'rejected' }]);
});

test('a listener is a function', () => {
  const { listeners } = scene();
  expect(thrownBy(() => listeners.on('up', 5 as never))).toMatchObject({ code: 'BadOption' });
});

test('an error that is warned of is a warning of the process', async () => {
  using warnings = new Warnings();
  const error = new Error('take note');
  warn(error);
  await until(() => warnings.list.length === 1, 'the warning');
  expect(warnings.list).toEqual([error]);
});
