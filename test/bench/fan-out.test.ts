import { expect, test } from 'vitest';
import type { FanOutOrder, FannedOut } from '../../bench/peers/fan-out-server.ts';
import { Program } from '../../bench/program.ts';

test('a fan-out counts what came to all clients, and ends with nothing on its way', async () => {
  await using server = new Program(new URL('../../bench/peers/fan-out-server.ts', import.meta.url), ['plain', '5']);
  await server.next<'ready'>();
  const order: FanOutOrder = { outstanding: 4, milliseconds: 10, bytes: 90 };
  const rounds = [await server.ask<FannedOut>(order), await server.ask<FannedOut>(order)];
  for (const { rate, faults } of rounds) {
    expect(rate).toBeGreaterThan(0);
    expect(faults).toEqual({ lost: 0, doubled: 0, reordered: 0 });
  }
});
