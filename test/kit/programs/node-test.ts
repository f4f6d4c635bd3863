/** The kit under Node's own test runner; run with `--test`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { check, replay } from 'homing/testing';
import { failureOf, sell, shopOf } from '../shop.ts';

void test('orders survive lost connections', async () => {
  assert.equal((await check(shopOf(sell), { runs: 20, seed: 1 })).runs, 20);
});

void test('a shop that sells nothing is found out', async () => {
  const idle = shopOf(() => undefined);
  const { token, verdict } = await failureOf(check(idle, { runs: 20, seed: 1, saveTo: false }));
  assert.equal(verdict.oracle, 'finally');
  assert.equal((await failureOf(replay(idle, token))).verdict.line, verdict.line);
});
