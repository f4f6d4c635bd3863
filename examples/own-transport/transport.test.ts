/** Holds the transport against the contract: `node --test transport.test.ts`. Any other runner will do as well. */
import { test } from 'node:test';
import { contracts } from 'homing/testing';
import { upgrades } from './transport.contract.ts';

for (const { title, run } of contracts.transport(upgrades)) void test(title, run);
