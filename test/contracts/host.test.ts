// Every host that there is, Node's and the simulator's, by one contract; and the parts of it that stand alone.
import { type HostAdapter, contracts } from 'homing/testing';
import { describe, test } from 'vitest';
import { nodeHost } from '../../src/actors/host.ts';
import { Draws } from '../../src/testing/draws.ts';
import { simulatedHost, stirredClock, virtualClock } from './simulated.ts';

const hosts: Readonly<Record<string, HostAdapter>> = {
  Node: { host: nodeHost() },
  'Node, when it is quick': { host: nodeHost(true) },
  'a simulated process': simulatedHost(),
};

describe.each(Object.entries(hosts))('%s:', (_, adapter) => {
  for (const { title, run } of contracts.host(adapter)) test(title, run);
});

describe.each(Object.entries({ 'virtual time': virtualClock(), 'virtual time that stirs promises': stirredClock() }))(
  '%s:',
  (_, adapter) => {
    for (const { title, run } of contracts.clock(adapter)) test(title, run);
  },
);

describe.each([1, 2, 3])('the draws of seed %i:', (seed) => {
  for (const { title, run } of contracts.chance({ chance: new Draws(seed, 'contract') })) test(title, run);
});
